import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findCgroup2, findVersion1Controllers } from '../../runtime/host/cgroup2.ts';
import { parseMountinfo } from '../../runtime/host/mountinfo.ts';

const unified = '31 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const hybrid = [
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
  '33 31 0:30 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio',
  '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
].join('\n');

const everywhere = () => true;

function find(mountinfo: string, cgroup = '0::/\n', isCgroup2: (path: string) => boolean = everywhere) {
  const found = findCgroup2({ mountinfo, cgroup, isCgroup2, sysBlock: '/nonexistent' });
  return found === null ? null : [found.mountpoint, found.own];
}

test('cgroup2 is found where it is mounted', (t) => {
  t.deepEqual(find(unified), ['/sys/fs/cgroup', '/']);
  t.deepEqual(find(hybrid), ['/sys/fs/cgroup/unified', '/']);
  t.deepEqual(find(unified.replace('/sys/fs/cgroup', String.raw`/mnt/a\040b\134c`)), [String.raw`/mnt/a b\c`, '/']);
  t.is(find(hybrid.replace('cgroup2 cgroup2', 'tmpfs tmpfs')), null);
});

test("the caller's own cgroup is the v2 line, below the mount", (t) => {
  t.deepEqual(find(hybrid, '5:pids:/x\n1:name=systemd:/y\n0::/user.slice/a.scope\n'), ['/sys/fs/cgroup/unified', '/user.slice/a.scope']);
  t.deepEqual(find(unified, '0::/a/b (deleted)\n'), ['/sys/fs/cgroup', '/a/b']);
  t.deepEqual(find(unified, '5:pids:/x\n'), ['/sys/fs/cgroup', null]);
});

test('a mount of a part of the hierarchy shifts the paths', (t) => {
  const part = unified.replace('0:26 / ', '0:26 /docker/c1 ');
  t.deepEqual(find(part, '0::/docker/c1/x\n'), ['/sys/fs/cgroup', '/x']);
  t.deepEqual(find(part, '0::/docker/c1\n'), ['/sys/fs/cgroup', '/']);
  t.deepEqual(find(part, '0::/docker/c10\n'), ['/sys/fs/cgroup', null]);
});

test('what lies above the cgroup namespace has no name', (t) => {
  t.deepEqual(find(unified.replace('0:26 / ', '0:26 /../.. '), '0::/\n'), ['/sys/fs/cgroup', null]);
  t.deepEqual(find(unified, '0::/../other\n'), ['/sys/fs/cgroup', null]);
});

test('of several mounts the whole hierarchy is preferred, then the shortest path', (t) => {
  const mounts = [
    unified.replace('0:26 / /sys/fs/cgroup', '0:26 /../x /a'),
    unified.replace('0:26 / /sys/fs/cgroup', '0:26 /part /b'),
    unified.replace('/sys/fs/cgroup', '/var/lib/machines/x/sys/fs/cgroup'),
    unified,
  ].join('\n');
  t.deepEqual(find(mounts), ['/sys/fs/cgroup', '/']);
});

test('a mount that another one covers is passed over', (t) => {
  const mounts = `${unified}\n${unified.replace('/sys/fs/cgroup', '/run/cgroup2')}`;
  t.deepEqual(
    find(mounts, '0::/\n', (path) => path === '/run/cgroup2'),
    ['/run/cgroup2', '/'],
  );
});

test('the controllers of v1 are named by v2, with their mount', (t) => {
  const cgroups = '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t1\t1\ncpu\t3\t1\t1\nblkio\t4\t9\t1\nmemory\t5\t1\t1\n';
  t.deepEqual(
    [...findVersion1Controllers(hybrid, cgroups)],
    [
      ['cpu', '/sys/fs/cgroup/cpu,cpuacct'],
      ['io', '/sys/fs/cgroup/blkio'],
      ['memory', ''],
    ],
  );
});

test('a cgroup tells what it has, passes on, and allows', (t) => {
  const mountpoint = makeTree(t);
  const found = findCgroup2({
    mountinfo: unified.replace('/sys/fs/cgroup', mountpoint),
    cgroup: '0::/\n',
    isCgroup2: everywhere,
    sysBlock: join(mountpoint, 'block'),
  });
  const { exists, controllers, enabled } = found?.look('/a') ?? t.fail() ?? ({} as never);
  t.deepEqual({ exists, controllers, enabled }, { exists: true, controllers: ['cpu', 'memory'], enabled: ['memory'] });
  t.like(found?.look('/none'), { exists: false, controllers: [], enabled: [], isWritable: false });
  t.deepEqual(found?.ioWeightFiles, ['io.bfq.weight', 'io.weight']);
});

test('fields of mountinfo are found behind any number of optional ones', (t) => {
  const line = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - cgroup /dev/root rw,errors=continue';
  t.deepEqual(parseMountinfo(`${line}\n\nnonsense\n`, ['cgroup']), [
    { root: '/mnt1', mountpoint: '/mnt2', type: 'cgroup', superOptions: ['rw', 'errors=continue'] },
  ]);
});

function makeTree(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-cgroup-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'a'));
  mkdirSync(join(directory, 'block/sda/queue'), { recursive: true });
  writeFileSync(join(directory, 'a/cgroup.controllers'), 'cpu memory\n');
  writeFileSync(join(directory, 'a/cgroup.subtree_control'), 'memory\n');
  writeFileSync(join(directory, 'block/sda/queue/scheduler'), '[none] mq-deadline bfq\n');
  writeFileSync(join(directory, 'io.cost.qos'), '');
  return directory;
}
