import { accepts, refuses, userNamespace, warns } from '../support/config-cases.ts';

const mappings = [{ containerID: 0, hostID: 1000, size: 1 }];

refuses('a mount without a destination', mount({ type: 'tmpfs' }), 'E_CONFIG /mounts/0/destination');
for (const destination of ['/', '//', '/.', './']) {
  refuses(`a mount over the root as ${destination}`, mount({ destination, type: 'tmpfs' }), 'E_CONFIG /mounts/0/destination');
}
warns('a relative destination', mount({ destination: 'data', type: 'tmpfs' }), 'E_CONFIG /mounts/0/destination');
refuses('a bind mount without a source', mount({ destination: '/d', options: ['bind'] }), 'E_CONFIG /mounts/0/source');
refuses('a source with NUL', mount({ destination: '/d', source: '/a\0b', options: ['bind'] }), 'E_CONFIG /mounts/0/source');
accepts('a bind mount with a dummy type', mount({ destination: '/d', type: 'none', source: 'data', options: ['rbind', 'ro'] }));
refuses('a mount without a type', mount({ destination: '/d', source: 'x' }), 'E_CONFIG /mounts/0/type');
accepts('a remount without a type', mount({ destination: '/proc', options: ['remount', 'ro'] }));
refuses('the type bind without the option', mount({ destination: '/d', type: 'bind', source: '/x' }), 'E_CONFIG /mounts/0/type');
accepts('the type bind with the option', mount({ destination: '/d', type: 'bind', source: '/x', options: ['bind'] }));
refuses('an empty option', mount({ destination: '/d', type: 'tmpfs', options: [''] }), 'E_CONFIG /mounts/0/options/0');
accepts('tmpcopyup on a tmpfs', mount({ destination: '/d', type: 'tmpfs', options: ['tmpcopyup'] }));
refuses(
  'tmpcopyup on a bind mount',
  mount({ destination: '/d', source: '/x', options: ['bind', 'tmpcopyup'] }),
  'E_CONFIG /mounts/0/options/1',
);
refuses('uidMappings without gidMappings', bind({ uidMappings: mappings }), 'E_CONFIG /mounts/0/gidMappings');
refuses('gidMappings without uidMappings', bind({ gidMappings: mappings }), 'E_CONFIG /mounts/0/uidMappings');
accepts('both mappings', bind({ uidMappings: mappings, gidMappings: mappings }));
refuses('idmap without mappings and without a user namespace', bind({ options: ['bind', 'idmap'] }), 'E_CONFIG /mounts/0');
refuses('ridmap without mappings and without a user namespace', bind({ options: ['rbind', 'ridmap'] }), 'E_CONFIG /mounts/0');
accepts("idmap by the container's user namespace", { ...userNamespace, ...bind({ options: ['bind', 'idmap'] }) });
refuses(
  'an idmapped mount that is no bind mount',
  mount({ destination: '/d', type: 'tmpfs', uidMappings: mappings, gidMappings: mappings }),
  'E_CONFIG /mounts/0',
);
refuses('mounts without a mount namespace', { '/linux': {}, '/hostname': undefined, '/root/readonly': false }, 'E_CONFIG /mounts');
refuses('mounts that are an object', { '/mounts': {} }, 'E_CONFIG /mounts');
refuses('a mount of null', { '/mounts': [null] }, 'E_CONFIG /mounts/0');

function mount(entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { '/mounts': [entry] };
}

function bind(entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return mount({ destination: '/d', source: '/x', options: ['bind'], ...entry });
}
