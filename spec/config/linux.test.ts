import { accepts, namespaces, refuses, userNamespace, warns } from '../support/config-cases.ts';

const usual = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'];
const without = (type: string): unknown => namespaces(usual.filter((other) => other !== type));

// ── namespaces ──
refuses('a namespace of unknown type', { '/linux/namespaces/0/type': 'net' }, 'E_CONFIG /linux/namespaces/0/type');
refuses('a namespace without a type', { '/linux/namespaces/0': {} }, 'E_CONFIG /linux/namespaces/0/type');
refuses('a namespace with a relative path', { '/linux/namespaces/0/path': 'ns/pid' }, 'E_CONFIG /linux/namespaces/0/path');
accepts('an empty path of a namespace', { '/linux/namespaces/0/path': '' });
refuses('a namespace that stands twice', { '/linux/namespaces/2/type': 'pid', '/linux/sysctl': {} }, 'E_CONFIG /linux/namespaces/2/type');
accepts('all eight namespaces', { ...userNamespace, '/linux/namespaces': namespaces([...usual, 'user', 'time']) });
accepts('joined namespaces', { '/linux/namespaces': namespaces(['mount', 'uts'], { network: '/proc/1/ns/net', user: '/proc/1/ns/user' }) });

// ── names ──
refuses('a hostname without a uts namespace', { '/linux/namespaces': without('uts') }, 'E_CONFIG /hostname');
accepts('a hostname in a joined uts namespace', { '/linux/namespaces': namespaces(['mount'], { uts: '/proc/1/ns/uts' }) });
refuses(
  'a domainname without a uts namespace',
  { '/hostname': '', '/domainname': 'x', '/linux/namespaces': without('uts') },
  'E_CONFIG /domainname',
);
refuses('a hostname of 65 bytes', { '/hostname': `${'ä'.repeat(32)}x` }, 'E_CONFIG /hostname');
accepts('a hostname of 64 bytes', { '/hostname': 'ä'.repeat(32), '/domainname': 'x'.repeat(64) });

// ── maps of ids ──
refuses(
  'a map without a user namespace',
  { '/linux/uidMappings': [{ containerID: 0, hostID: 0, size: 1 }] },
  'E_CONFIG /linux/uidMappings',
);
refuses(
  'a new user namespace without maps',
  { '/linux/namespaces': namespaces([...usual, 'user']), '/linux/uidMappings': [] },
  'E_CONFIG /linux/uidMappings',
  'E_CONFIG /linux/gidMappings',
);
accepts('a joined user namespace with maps', { ...userNamespace, '/linux/namespaces': namespaces(usual, { user: '/proc/1/ns/user' }) });
refuses('a map of size 0', { ...userNamespace, '/linux/uidMappings/0/size': 0 }, 'E_CONFIG /linux/uidMappings/0/size');
refuses(
  'a map that reaches past 32 bits',
  { ...userNamespace, '/linux/uidMappings/0/size': 4_294_967_295 },
  'E_CONFIG /linux/uidMappings/0/size',
);
refuses(
  'maps that overlap in the container',
  { ...userNamespace, '/linux/gidMappings/1': { containerID: 65535, hostID: 1, size: 2 } },
  'E_CONFIG /linux/gidMappings/1/containerID',
);
refuses(
  'maps that overlap on the host',
  { ...userNamespace, '/linux/gidMappings/1': { containerID: 65536, hostID: 100001, size: 1 } },
  'E_CONFIG /linux/gidMappings/1/hostID',
);
refuses(
  'more than 340 maps',
  { ...userNamespace, '/linux/uidMappings': Array.from({ length: 341 }, (_, id) => ({ containerID: id, hostID: id, size: 1 })) },
  'E_CONFIG /linux/uidMappings',
);
refuses('a map without hostID', { ...userNamespace, '/linux/uidMappings/0/hostID': undefined }, 'E_CONFIG /linux/uidMappings/0/hostID');

// ── clocks ──
const time = { '/linux/namespaces': namespaces([...usual, 'time']) };
accepts('offsets of both clocks', {
  ...time,
  '/linux/timeOffsets': { monotonic: { secs: -5, nanosecs: 999_999_999 }, boottime: { secs: 1 } },
});
refuses('an offset without a time namespace', { '/linux/timeOffsets': { boottime: { secs: 1 } } }, 'E_CONFIG /linux/timeOffsets');
refuses(
  'an offset in a joined time namespace',
  { '/linux/namespaces': namespaces(usual, { time: '/proc/1/ns/time' }), '/linux/timeOffsets': { boottime: { secs: 1 } } },
  'E_CONFIG /linux/timeOffsets',
);
accepts('empty offsets without a time namespace', { '/linux/timeOffsets': {} });
refuses(
  'an offset of an unknown clock',
  { ...time, '/linux/timeOffsets': { realtime: { secs: 1 } } },
  'E_CONFIG /linux/timeOffsets/realtime',
);
refuses(
  'a second of nanoseconds',
  { ...time, '/linux/timeOffsets': { boottime: { nanosecs: 1_000_000_000 } } },
  'E_CONFIG /linux/timeOffsets/boottime/nanosecs',
);

// ── devices ──
const fuse = { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o20666, uid: 0, gid: 0 };
accepts('devices of all types', {
  '/linux/devices': [
    fuse,
    { type: 'b', path: '/dev/a', major: 8, minor: 0 },
    { type: 'u', path: '/dev/u', major: 1, minor: 9 },
    { type: 'p', path: '/dev/p' },
  ],
});
refuses('a device of unknown type', { '/linux/devices': [{ ...fuse, type: 'a' }] }, 'E_CONFIG /linux/devices/0/type');
refuses('a device at a relative path', { '/linux/devices': [{ ...fuse, path: 'dev/fuse' }] }, 'E_CONFIG /linux/devices/0/path');
refuses(
  'a device without numbers',
  { '/linux/devices': [{ type: 'c', path: '/dev/x' }] },
  'E_CONFIG /linux/devices/0/major',
  'E_CONFIG /linux/devices/0/minor',
);
refuses(
  'a device with numbers beyond dev_t',
  { '/linux/devices': [{ ...fuse, major: 4096, minor: 1_048_576 }] },
  'E_CONFIG /linux/devices/0/major',
  'E_CONFIG /linux/devices/0/minor',
);
refuses('a negative minor number', { '/linux/devices': [{ ...fuse, minor: -1 }] }, 'E_CONFIG /linux/devices/0/minor');
refuses('a mode beyond mode_t', { '/linux/devices': [{ ...fuse, fileMode: 0o200666 }] }, 'E_CONFIG /linux/devices/0/fileMode');
refuses('two devices at one path', { '/linux/devices': [fuse, { ...fuse, minor: 1 }] }, 'E_CONFIG /linux/devices/1/path');
warns('one device at two paths', { '/linux/devices': [fuse, { ...fuse, path: '/dev/other' }] }, 'E_CONFIG /linux/devices/1');

// ── sysctl ──
const allSysctls = { ...userNamespace, '/hostname': '' };
for (const key of [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'fs.mqueue.msg_max',
  'net.ipv4.ip_forward',
  'net/ipv4/conf/eth0.100/forwarding',
  'net.ipv4.conf.eth0/100.forwarding',
  'kernel/domainname',
  'user.max_user_namespaces',
]) {
  accepts(`the sysctl ${key} in its own namespaces`, { ...allSysctls, [`/linux/sysctl/${key.replaceAll('/', '~1')}`]: '1' });
}
for (const [key, type, others] of [
  ['kernel.sem', 'ipc', 'the others'],
  ['fs.mqueue.msg_max', 'ipc', 'the others'],
  ['net.core.somaxconn', 'network', 'the others'],
  ['kernel.domainname', 'uts', 'the others'],
  ['user.max_pid_namespaces', 'user', 'the others'],
] as const) {
  refuses(
    `the sysctl ${key} without a namespace of type ${type}, with ${others},`,
    { '/hostname': '', '/linux/namespaces': without(type), '/linux/sysctl': { [key]: '1' } },
    `E_BAD_SYSCTL /linux/sysctl/${key}`,
  );
}
for (const key of ['kernel.panic', 'vm.swappiness', 'kernel/core_pattern', 'fs.file-max', 'kernel.semx', 'netx.y', 'fs.mqueue']) {
  refuses(
    `the sysctl ${key}, which is the host's,`,
    { '/linux/sysctl': { [key]: '1' } },
    `E_BAD_SYSCTL /linux/sysctl/${key.replaceAll('/', '~1')}`,
  );
}
for (const key of [
  'net/../kernel/panic',
  'net/./x',
  'net//x',
  'net..core',
  '.net',
  'net.',
  'net',
  '',
  'net.a/../b/',
  '/net/core/somaxconn',
]) {
  refuses(
    `the sysctl name ${JSON.stringify(key)}`,
    { '/linux/sysctl': { [key]: '1' } },
    `E_BAD_SYSCTL /linux/sysctl/${key.replaceAll('/', '~1')}`,
  );
}
refuses('a sysctl name with NUL', { '/linux/sysctl': { 'net.a\0b': '1' } }, 'E_CONFIG /linux/sysctl/net.a\0b');
refuses('a sysctl value of null', { '/linux/sysctl': { 'net.core.somaxconn': null } }, 'E_CONFIG /linux/sysctl/net.core.somaxconn');
refuses('a sysctl value that is a number', { '/linux/sysctl': { 'net.core.somaxconn': 1 } }, 'E_CONFIG /linux/sysctl/net.core.somaxconn');
refuses('the sysctl kernel.hostname', { '/linux/sysctl': { 'kernel.hostname': 'x' } }, 'E_BAD_SYSCTL /linux/sysctl/kernel.hostname');
refuses(
  'a sysctl kernel.domainname that contradicts domainname',
  { '/domainname': 'a', '/linux/sysctl': { 'kernel.domainname': 'b' } },
  'E_BAD_SYSCTL /linux/sysctl/kernel.domainname',
);
refuses(
  'one sysctl in two spellings',
  { '/linux/sysctl': { 'net.core.somaxconn': '1', 'net/core/somaxconn': '2' } },
  'E_BAD_SYSCTL /linux/sysctl/net~1core~1somaxconn',
);

// ── paths and propagation ──
refuses('a relative masked path', { '/linux/maskedPaths': ['proc/kcore'] }, 'E_CONFIG /linux/maskedPaths/0');
refuses('a relative read-only path', { '/linux/readonlyPaths': ['proc/sys'] }, 'E_CONFIG /linux/readonlyPaths/0');
refuses(
  'whatever needs a mount namespace, without one,',
  { '/linux/namespaces': without('mount'), '/linux/rootfsPropagation': 'slave' },
  'E_CONFIG /mounts',
  'E_CONFIG /root/readonly',
  'E_CONFIG /linux/maskedPaths',
  'E_CONFIG /linux/readonlyPaths',
  'E_CONFIG /linux/rootfsPropagation',
);
for (const propagation of ['shared', 'slave', 'private', 'unbindable', 'rshared', 'rslave', 'rprivate', 'runbindable', '']) {
  accepts(`the propagation ${JSON.stringify(propagation)}`, { '/linux/rootfsPropagation': propagation });
}
refuses('an unknown propagation', { '/linux/rootfsPropagation': 'rshare' }, 'E_CONFIG /linux/rootfsPropagation');
refuses('a cgroups path with ..', { '/linux/cgroupsPath': '/a/../../b' }, 'E_BAD_CGROUP /linux/cgroupsPath');
accepts('a cgroups path', { '/linux/cgroupsPath': '/machine/a..b' });

// ── personality, memory policy ──
accepts('the personality LINUX32', { '/linux/personality': { domain: 'LINUX32', flags: [] } });
refuses('an unknown personality', { '/linux/personality': { domain: 'BSD' } }, 'E_CONFIG /linux/personality/domain');
refuses('a personality without domain', { '/linux/personality': {} }, 'E_CONFIG /linux/personality/domain');
refuses('a flag of personality', { '/linux/personality': { domain: 'LINUX', flags: ['X'] } }, 'E_CONFIG /linux/personality/flags');

const policy = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({ '/linux/memoryPolicy': entry });
for (const mode of ['MPOL_BIND', 'MPOL_INTERLEAVE', 'MPOL_PREFERRED_MANY', 'MPOL_WEIGHTED_INTERLEAVE']) {
  accepts(`the memory policy ${mode} with nodes`, policy({ mode, nodes: '0-3,7', flags: ['MPOL_F_STATIC_NODES'] }));
  refuses(`the memory policy ${mode} without nodes`, policy({ mode }), 'E_CONFIG /linux/memoryPolicy/nodes');
}
for (const mode of ['MPOL_DEFAULT', 'MPOL_LOCAL']) {
  accepts(`the memory policy ${mode}`, policy({ mode, nodes: '' }));
  refuses(`the memory policy ${mode} with nodes`, policy({ mode, nodes: '0' }), 'E_CONFIG /linux/memoryPolicy/nodes');
}
accepts('MPOL_PREFERRED without nodes', policy({ mode: 'MPOL_PREFERRED' }));
refuses('an unknown memory policy', policy({ mode: 'MPOL_BEST' }), 'E_CONFIG /linux/memoryPolicy/mode');
refuses('a memory policy without mode', policy({}), 'E_CONFIG /linux/memoryPolicy/mode');
refuses('a memory policy of broken nodes', policy({ mode: 'MPOL_BIND', nodes: '0-' }), 'E_CONFIG /linux/memoryPolicy/nodes');
refuses(
  'an unknown flag of a memory policy',
  policy({ mode: 'MPOL_BIND', nodes: '0', flags: ['X'] }),
  'E_CONFIG /linux/memoryPolicy/flags/0',
);
refuses(
  'static and relative nodes at once',
  policy({ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] }),
  'E_CONFIG /linux/memoryPolicy/flags',
);
refuses(
  'balancing with interleaving',
  policy({ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }),
  'E_CONFIG /linux/memoryPolicy/flags/0',
);
refuses('flags of MPOL_DEFAULT', policy({ mode: 'MPOL_DEFAULT', flags: ['MPOL_F_STATIC_NODES'] }), 'E_CONFIG /linux/memoryPolicy/flags');
refuses('static nodes of MPOL_LOCAL', policy({ mode: 'MPOL_LOCAL', flags: ['MPOL_F_STATIC_NODES'] }), 'E_CONFIG /linux/memoryPolicy/flags');

// ── Intel RDT, network devices ──
const rdt = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({ '/linux/intelRdt': entry });
accepts(
  'Intel RDT',
  rdt({ closID: 'gold', l3CacheSchema: 'L3:0=ff', memBwSchema: 'MB:0=20', schemata: ['L2:0=f'], enableMonitoring: true }),
);
accepts('the root class of Intel RDT', rdt({ closID: '/', enableCMT: true }));
for (const closID of ['a/b', '.', '..', 'a\nb'])
  refuses(`the class ${JSON.stringify(closID)} of Intel RDT`, rdt({ closID }), 'E_CONFIG /linux/intelRdt/closID');
refuses('a memory bandwidth schema without MB:', rdt({ memBwSchema: '0=20' }), 'E_CONFIG /linux/intelRdt/memBwSchema');
refuses('a memory bandwidth schema of two lines', rdt({ memBwSchema: 'MB:0=20\nL3:0=f' }), 'E_CONFIG /linux/intelRdt/memBwSchema');
warns('a cache schema of two lines', rdt({ l3CacheSchema: 'L3:0=f\nMB:0=1' }), 'E_CONFIG /linux/intelRdt/l3CacheSchema');
warns('a schemata line with a newline', rdt({ schemata: ['L2:0=f', 'a\nb'] }), 'E_CONFIG /linux/intelRdt/schemata/1');
refuses('a schemata that is a string', rdt({ schemata: 'L2:0=f' }), 'E_CONFIG /linux/intelRdt/schemata');

const devices = (entry: unknown): Readonly<Record<string, unknown>> => ({ '/linux/netDevices': entry });
accepts('network devices', devices({ eth0: {}, eth1: { name: 'lan0' }, eth2: { name: 'lan%d' }, eth3: { name: 'lan%d' } }));
refuses('two network devices of one name', devices({ eth0: { name: 'a' }, eth1: { name: 'a' } }), 'E_CONFIG /linux/netDevices/eth1/name');
refuses('a network device name of 16 bytes', devices({ eth0: { name: 'a'.repeat(16) } }), 'E_CONFIG /linux/netDevices/eth0/name');
refuses('a network device name with a slash', devices({ eth0: { name: 'a/b' } }), 'E_CONFIG /linux/netDevices/eth0/name');
refuses(
  'network devices without a network namespace',
  { ...devices({ eth0: {} }), '/linux/namespaces': without('network') },
  'E_CONFIG /linux/netDevices',
);
refuses('a host device name with a slash', devices({ 'a/b': { name: 'a' } }), 'E_CONFIG /linux/netDevices/a~1b');
