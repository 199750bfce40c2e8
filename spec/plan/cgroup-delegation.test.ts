import test from 'ava';
import type { Config, Mount, Namespace } from '../../runtime/config/config.ts';
import { planDelegation } from '../../runtime/plan/cgroup-delegation.ts';
import type { HostFacts } from '../../runtime/plan/host-facts.ts';

const files = ['cgroup.procs', 'cgroup.subtree_control'];
const facts = { euid: 0, cgroup2: { delegatable: files } } as unknown as HostFacts;
const namespaces: readonly Namespace[] = [{ type: 'cgroup' }, { type: 'user' }];
const mapping = [
  { containerID: 0, hostID: 100_000, size: 10 },
  { containerID: 10, hostID: 500_000, size: 10 },
];

function config(
  mount: Partial<Mount> = {},
  linux: Config['linux'] = { namespaces, uidMappings: mapping, gidMappings: mapping },
  uid = 0,
): Config {
  return {
    ociVersion: '1.3.0',
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw', 'nosuid'], ...mount }],
    process: { cwd: '/', user: { uid, gid: 0 } },
    linux,
  } as unknown as Config;
}

test('the cgroup goes to the host uid of who runs the process, with the files that the kernel names', (t) => {
  const op = { op: 'delegateCgroup', pointer: '/linux/cgroupsPath', cgroup: 'cgroup', uid: 100_000, files };
  t.deepEqual(planDelegation(config(), facts), [op]);
  t.like(planDelegation(config({}, undefined, 12), facts)[0], { uid: 500_002 });
  t.like(planDelegation(config({ type: 'cgroup2' }, { namespaces: [{ type: 'cgroup' }] }, 7), facts)[0], { uid: 7 });
});

test('it stays whose it is without a cgroup namespace of its own, a writable mount, or a user who is known and not its owner', (t) => {
  const stays = (changed: Config, host = facts): boolean => t.deepEqual(planDelegation(changed, host), []);
  stays(config({ options: ['ro'] }));
  stays(config({ destination: '/mnt' }));
  stays(config({ type: 'bind' }));
  stays(config({}, { namespaces: [{ type: 'user' }], uidMappings: mapping }));
  stays(config({}, { namespaces: [{ type: 'cgroup', path: '/proc/1/ns/cgroup' }, { type: 'user' }], uidMappings: mapping }));
  stays(config({}, { namespaces: [{ type: 'cgroup' }, { type: 'user', path: '/proc/1/ns/user' }] }));
  stays(config({}, { namespaces, uidMappings: mapping }, 99));
  stays(config({}, { namespaces: [{ type: 'cgroup' }] }));
  stays(config(), { ...facts, euid: 1000 });
  stays(config(), { ...facts, cgroup2: null });
});
