import { readlinkSync } from 'node:fs';
import { readFile, readlink, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import type { NamespaceType } from '../../runtime/config/config.ts';
import { makeBundle } from '../support/bundle.ts';
import { all, isRoot, withLinux, withNamespaces, withoutNamespaces, withProcess, withUserNamespace } from '../support/change-config.ts';
import { krunBinary, type RunningContainer, runActions, runBundle, runKrun, runProbe, startContainer } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const files: Readonly<Record<NamespaceType, string>> = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
};
const own = (file: string): string => readlinkSync(`/proc/self/ns/${file}`);

test('a namespace of linux.namespaces without a path is new, and one that is not listed is that of the caller', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { namespaces } = await runProbe(t);
  for (const type of ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'] as const) t.not(namespaces[files[type]], own(files[type]), type);
  for (const type of ['user', 'time'] as const) t.is(namespaces[files[type]], own(files[type]), type);
});

for (const type of ['network', 'ipc', 'uts', 'cgroup'] as const) {
  test(`without a ${type} namespace in linux.namespaces the process is in the caller's`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    // mqueue, sysfs and a host name take a namespace of their own.
    const { namespaces } = await runProbe(t, (config) => {
      const { hostname: _, ...rest } = withoutNamespaces(type)(config);
      return {
        ...rest,
        mounts: (rest.mounts ?? []).filter(({ destination }) => !['/dev/mqueue', '/sys', '/sys/fs/cgroup'].includes(destination)),
      };
    });
    t.is(namespaces[files[type]], own(files[type]));
  });
}

test('without a pid namespace in linux.namespaces the process has a pid of the caller, and krun still waits for it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await runProbe(t, withoutNamespaces('pid'));
  t.is(seen.namespaces.pid, own('pid'));
  t.not(seen.pid, 1);
});

test('hostname and domainname are those of config.json, and the names of the host stay', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const before = hostname();
  const seen = await runProbe(t, (config) => ({ ...config, hostname: 'inner-host', domainname: 'inner.example' }));
  t.deepEqual([seen.hostname, seen.domainname], ['inner-host', 'inner.example']);
  t.is(hostname(), before);
  t.is((await readFile('/proc/sys/kernel/domainname', 'utf8')).includes('inner'), false);
});

test('sysctls are set in the namespaces of the container and nowhere else', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const sysctl = {
    'net.ipv4.ip_forward': '1',
    'kernel.msgmax': '12345',
    'net/ipv4/ping_group_range': '0 1000',
    'kernel.domainname': 'by.sysctl',
  };
  const before = await readFile('/proc/sys/kernel/msgmax', 'utf8');
  const read = (name: string) => ['read', `/proc/sys/${name}`];
  const outcomes = await runActions(
    t,
    withLinux({ sysctl }),
    read('net/ipv4/ip_forward'),
    read('kernel/msgmax'),
    read('net/ipv4/ping_group_range'),
    read('kernel/domainname'),
  );
  t.deepEqual(
    outcomes.map(({ content }) => content?.trim()),
    ['1', '12345', '0\t1000', 'by.sysctl'],
  );
  t.is(await readFile('/proc/sys/kernel/msgmax', 'utf8'), before);
});

test('a sysctl in a user namespace is set too', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const change = all(withUserNamespace(), withLinux({ sysctl: { 'net.ipv4.ip_unprivileged_port_start': '80' } }));
  const [outcome] = await runActions(t, change, ['read', '/proc/sys/net/ipv4/ip_unprivileged_port_start']);
  t.is(outcome?.content, '80\n');
});

test('a sysctl of the host, and a value that the kernel refuses, are errors at their place', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const hosts = await runBundle(t, withLinux({ sysctl: { 'kernel.core_pattern': '|/x' } }));
  t.is(hosts.status, 1);
  t.regex(hosts.stderr, /linux\/sysctl\/kernel\.core_pattern[\s\S]*E_BAD_SYSCTL/);
  const wrong = await runBundle(t, withLinux({ sysctl: { 'kernel.msgmax': 'many' } }));
  t.is(wrong.status, 1);
  t.regex(wrong.stderr, /"many"[\s\S]*linux\/sysctl\/kernel\.msgmax[\s\S]*E_BAD_SYSCTL/);
});

test('a new network namespace has lo, and it is up', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.deepEqual((await runProbe(t)).interfaces, { lo: { up: true, running: true } });
});

test('a user namespace maps the ids of linux.uidMappings and owns the other new namespaces', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const uidMappings = [
    { containerID: 0, hostID: 100_000, size: 1000 },
    { containerID: 1000, hostID: 200_000, size: 10 },
  ];
  const gidMappings = [{ containerID: 0, hostID: 300_000, size: 1010 }];
  const change = all(withNamespaces({ type: 'user' }), withLinux({ uidMappings, gidMappings }));
  const seen = await runProbe(t, change);
  t.deepEqual(seen.uidMap?.trim().split(/\s+/).map(Number), [0, 100_000, 1000, 1000, 200_000, 10]);
  t.deepEqual(seen.gidMap?.trim().split(/\s+/).map(Number), [0, 300_000, 1010]);
  t.deepEqual([seen.uid.effective, seen.gid.effective], [0, 0]);
  t.not(seen.namespaces.user, own('user'));
  for (const type of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts']) t.is(seen.namespaceOwners[type], seen.namespaces.user, type);
});

test('in a user namespace the process may be any mapped user, with groups', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const user = { uid: 1000, gid: 1001, additionalGids: [7, 8] };
  const seen = await runProbe(t, all(withUserNamespace(), withProcess({ user })));
  t.deepEqual([seen.uid.effective, seen.gid.effective, seen.groups], [1000, 1001, [7, 8]]);
});

test('a time namespace shifts the clocks that the process sees', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const timeOffsets = { monotonic: { secs: 1_000_000n, nanosecs: 0 }, boottime: { secs: 2_000_000n, nanosecs: 500_000_000 } };
  const seen = await runProbe(t, all(withNamespaces({ type: 'time' }), withLinux({ timeOffsets })));
  t.not(seen.namespaces.time, own('time'));
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  t.true(Math.abs(seen.clocks.boottime - uptime - 2_000_000) < 60, `${seen.clocks.boottime}`);
  t.true(seen.clocks.monotonic > 1_000_000 && seen.clocks.monotonic < uptime + 1_000_060);
  t.regex(seen.timeOffsets ?? '', /monotonic\s+1000000\s+0\nboottime\s+2000000\s+500000000/);
});

test('a time namespace without offsets is new all the same', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.not((await runProbe(t, withNamespaces({ type: 'time' }))).namespaces.time, own('time'));
});

test('a container joins each namespace of another one by its path', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const other = await startContainer(t, withNamespaces({ type: 'time' }));
  const init = await initOf(other);
  for (const type of ['network', 'ipc', 'uts', 'pid', 'cgroup', 'time'] as const) {
    const path = `/proc/${init}/ns/${files[type]}`;
    const theirs = await readlink(path);
    const seen = await runProbe(t, (config) => {
      const { hostname: _, ...rest } = withNamespaces({ type, path })(config);
      return rest;
    });
    t.is(seen.namespaces[files[type]], theirs, type);
    if (type === 'pid') t.not(seen.pid, 1);
    if (type === 'uts') t.is(seen.hostname, 'krun');
  }
  other.end();
  await other.result;
});

test('a container joins the user namespace of another, and may join all that it owns', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const other = await startContainer(t, withUserNamespace());
  const init = await initOf(other);
  const joined = (['user', 'network', 'ipc', 'uts'] as const).map((type) => ({ type, path: `/proc/${init}/ns/${files[type]}` }));
  const seen = await runProbe(t, (config) => {
    const { hostname: _, ...rest } = withNamespaces(...joined)(config);
    return rest;
  });
  for (const { type, path } of joined) t.is(seen.namespaces[files[type]], await readlink(path), type);
  t.is(seen.uid.effective, 0);
  t.regex(seen.uidMap ?? '', /^\s*0\s+100000\s+65536$/m);
  other.end();
  await other.result;
});

test('a path that is no namespace of the type, or none at all, is E_NAMESPACE at its place', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const index = 6; // the default configuration has six
  for (const [type, path] of [
    ['time', '/proc/self/ns/net'],
    ['time', '/etc/hosts'],
    ['time', '/nowhere/at/all'],
  ] as const) {
    const { status, stderr } = await runBundle(t, withNamespaces({ type, path }));
    t.is(status, 1, path);
    t.regex(stderr, new RegExp(`cannot join the time namespace of /linux/namespaces/${index}`), path);
    t.regex(stderr, /code: E_NAMESPACE/);
  }
});

test('a namespace whose owner has exited is called so', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const ended = execa('true');
  await ended;
  const { pid } = ended;
  const { status, stderr } = await runBundle(t, withNamespaces({ type: 'ipc', path: `/proc/${pid}/ns/ipc` }));
  t.is(status, 1);
  t.regex(stderr, /cannot join the ipc namespace of \/linux\/namespaces\/5: its owner has exited/);
  t.regex(stderr, /code: E_NAMESPACE/);
});

test('a symbolic link to a namespace may name it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const other = await startContainer(t);
  const link = join(other.bundle.path, 'net');
  const target = `/proc/${await initOf(other)}/ns/net`;
  await symlink(target, link);
  t.is((await runProbe(t, withNamespaces({ type: 'network', path: link }))).namespaces.net, await readlink(target));
  other.end();
  await other.result;
});

test('a cgroup namespace hides where in the tree the container is, and without one it is seen', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.regex((await runProbe(t)).cgroup ?? '', /^0::\/$/m);
  const shared = await runProbe(t, (config) => {
    const rest = withoutNamespaces('cgroup')(config);
    return { ...rest, mounts: (rest.mounts ?? []).filter(({ type }) => type !== 'cgroup') };
  });
  t.regex(shared.cgroup ?? '', /^0::\/.*test-[0-9a-f]{12}$/m);
});

test('with user.max_user_namespaces at 0 a user namespace is refused with E_USERNS_OFF', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  // The limit of a user namespace of the test's own: the host's stays.
  const change = all(withUserNamespace({ containerID: 0, hostID: 0, size: 1 }), withoutNamespaces('cgroup'));
  const bundle = await makeBundle(t, (config) => {
    const { resources: _, ...linux } = change(config).linux ?? {};
    return { ...change(config), linux, mounts: [] };
  });
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const words = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
  const args = [krunBinary, '--root', join(bundle.path, 'state'), '--cgroup-manager', 'disabled', 'run', '-b', bundle.path, bundle.id];
  const { exitCode, stderr } = await execa('unshare', [...words, ...args], { reject: false });
  t.is(exitCode, 1);
  t.regex(stderr, /user namespaces are off \(user\.max_user_namespaces=0\)/);
  t.regex(stderr, /code: E_USERNS_OFF/);
});

async function initOf({ bundle }: RunningContainer): Promise<number> {
  return (JSON.parse((await runKrun(['state', bundle.id])).stdout) as { pid: number }).pid;
}
