// What newer kernels have, taken away by strace's fault injection or in a build of its own: the ways around it must work.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { controlHelper } from '../support/advisory.ts';
import { actInRootfs, createDevice, makeStage, maskPath, mount, openNull, S_IFCHR } from '../support/rootfs-plan.ts';
import { skipUnless } from '../support/skip.ts';

const without = (...faults: string[]): string[] => [
  'strace',
  '-f',
  '-qq',
  '-o',
  '/dev/null',
  ...faults.flatMap((fault) => ['-e', `inject=${fault}`]),
];

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('without fchmodat2 (Linux 6.6) an existing node gets its mode', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  execFileSync('mknod', ['-m', '600', join(stage.rootfs, 'dev/null'), 'c', '1', '3']);
  const binary = controlHelper('NEW_SYSCALLS');
  const [node] = await actInRootfs(t, stage.rootfs, { setUp: [createDevice('/dev/null')] }, [['stat', '/dev/null']], { binary });
  t.like(node, { mode: S_IFCHR | 0o666 });
});

test('without clones of detached mounts (Linux 6.15) all is masked', async (t) => {
  const stage = await makeStage(t);
  if (stage === null || skipUnless(t, 'strace', hasStrace())) return;
  // In the child open_tree(2) is first for the root, then for the null device; the masks follow.
  const files = [openNull, maskPath('/etc/hosts'), maskPath('/etc/passwd'), maskPath('/etc/group')];
  const first = await actInRootfs(
    t,
    stage.rootfs,
    { setUp: files },
    [
      ['read', '/etc/hosts'],
      ['read', '/etc/passwd'],
      ['read', '/etc/group'],
    ],
    { wrapper: without('open_tree:error=EINVAL:when=3') },
  );
  t.deepEqual(
    first.map(({ content }) => content),
    ['', '', ''],
  );
  const directories = [mount('/mnt', 'tmpfs'), maskPath('/home'), maskPath('/var'), maskPath('/bin')];
  const second = await actInRootfs(
    t,
    stage.rootfs,
    { setUp: directories },
    [
      ['list', '/home'],
      ['list', '/var'],
      ['list', '/bin'],
    ],
    { wrapper: without('open_tree:error=EINVAL:when=2') },
  );
  t.deepEqual(
    second.map(({ names }) => names),
    [[], [], []],
  );
});
