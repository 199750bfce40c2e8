import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import type { Bundle } from './bundle.ts';
import { assertNothingLeft, cgroup2Mount, hostSnapshot, leftBehind } from './leaks.ts';
import { skipUnless } from './skip.ts';

test.serial('a mount, a cgroup, a process in namespaces of its own and state are found when they are left', async (t) => {
  const mountpoint = await cgroup2Mount();
  if (skipUnless(t, 'root and a cgroup2 mount', process.getuid?.() === 0 && mountpoint !== undefined)) return;
  const before = await hostSnapshot();
  const cgroup = join(mountpoint ?? '', `krun-leak-${process.pid}`);
  const state = `/run/krun/leak-${process.pid}`;
  await mkdir(cgroup);
  await mkdir(state, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', 'leak', state]);
  const child = execa('unshare', ['--mount', 'sh', '-c', 'echo ready; read line'], { stdin: 'pipe', reject: false });
  await new Promise((resolve) => child.stdout.once('data', resolve));

  const left = await leftBehind(before, 0);

  child.stdin.end('\n');
  await child;
  await execa('umount', [state]);
  await rm(state, { recursive: true });
  await rmdir(cgroup);
  for (const line of [` tmpfs ${state}`, `cgroup ${cgroup}`, `process ${child.pid} sh`, `state ${state}`])
    t.true(
      left.some((one) => one.includes(line)),
      line,
    );
  await assertNothingLeft(t, before);
});

test.serial('what goes away in time is no leak', async (t) => {
  const before = await hostSnapshot();
  const file = `/dev/shm/krun-leak.${process.pid}`;
  await writeFile(file, '');
  t.true((await leftBehind(before, 0)).includes(`file ${file}`));
  const watching = assertNothingLeft(t, before);
  await rm(file);
  await watching;
});

test.serial('what another test holds is no leak of ours, and what ours holds is one', async (t) => {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
  const before = await hostSnapshot();
  const ours: Bundle = { id: 'test-0123456789ab', path: '/tmp/krun-test-ABCDEF', rootfs: '' };
  const states = ['test-0123456789ab', 'test-ba9876543210'].map((id) => `/run/krun/${id}`);
  for (const state of states) await mkdir(state, { recursive: true });
  const left = await leftBehind(before, 0, ours);
  for (const state of states) await rm(state, { recursive: true });
  t.deepEqual(
    left.filter((line) => states.some((state) => line.includes(state))),
    [`state ${states[0]}`],
  );
});
