// CVE-2025-52565, CVE-2026-88264: an image's /dev/console or /dev/pts leads the terminal's set-up elsewhere.
import { lstat, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import type { Op } from '../../runtime/plan/ops.ts';
import { advisory } from '../support/advisory.ts';
import { makeBundle } from '../support/bundle.ts';
import { runKrun } from '../support/krun.ts';
import { mount, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;
const pointer = '/process/terminal';
const openTerminal: Op = {
  op: 'openTerminal',
  pointer,
  root: 'root',
  height: 0,
  width: 0,
  relayed: false,
  terminal: 'terminal',
  peer: 'peer',
};
const bindConsole: Op = { op: 'bindConsole', pointer, root: 'root', peer: 'peer' };
const devpts = mount('/dev/pts', 'devpts', { options: ['newinstance', 'ptmxmode=0666'] });

const targets: Readonly<Record<string, (canary: string) => string>> = {
  absolute: (canary) => canary,
  relative: (canary) => `../../../../../..${canary}`,
  'in-root': () => '/etc/hosts',
};

for (const [kind, target] of Object.entries(targets)) {
  advisory(`a /dev/console that is an ${kind} symlink is refused`, 'CONSOLE_EXACT', async (stage, binary) => {
    await rm(join(stage.rootfs, 'dev/console'), { force: true });
    await symlink(target(stage.canary), join(stage.rootfs, 'dev/console'));
    const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [devpts, openTerminal, bindConsole] }, []), { binary });
    return failure?.op === 'bindConsole' && failure.syscall === 'openat2' && failure.errno === 40
      ? []
      : [`not refused: ${JSON.stringify(failure)}`];
  });
}

advisory('a terminal is taken from a devpts, not from what an image has at its place', 'DEVPTS', async (stage, binary) => {
  const directory = join(stage.rootfs, 'dev/pts');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'ptmx'), '');
  const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [openTerminal] }, []), { binary });
  return failure?.op === 'openTerminal' && failure.syscall === 'fstatfs' ? [] : [`opened: ${JSON.stringify(failure)}`];
});

const places: Readonly<Record<string, { readonly make: (path: string) => Promise<unknown>; readonly works: boolean }>> = {
  'a fifo': { make: (path) => execa('mkfifo', [path]), works: true },
  'a file': { make: (path) => writeFile(path, 'content'), works: true },
  'another device': { make: (path) => execa('mknod', [path, 'c', '1', '5']), works: true },
  'a directory': { make: (path) => mkdir(path), works: false },
  'a dangling symlink': { make: (path) => symlink('/etc/made', path), works: false },
};

for (const [what, { make, works }] of Object.entries(places)) {
  test(`/dev/console that is ${what} in the image: ${works ? 'the real terminal lies over it' : 'an error'}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const bundle = await makeBundle(t, (config) => ({
      ...config,
      process: { ...config.process, terminal: true, args: ['sh', '-c', 'stat -c %t:%T /dev/console; echo x > /proc/sys/kernel/hostname'] },
      mounts: config.mounts?.filter(({ destination }) => !/^\/dev$|^\/dev\/(shm|mqueue)$/.test(destination)),
    }));
    await mkdir(join(bundle.rootfs, 'dev/pts'), { recursive: true });
    await make(join(bundle.rootfs, 'dev/console'));
    const before = await lstat(join(bundle.rootfs, 'dev/console'));
    const { status, stdout, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id]);
    if (works) t.regex(stdout, /^88:0\n.*[Rr]ead-only file system/s);
    else t.regex(stderr, /E_UNSAFE_PATH|E_BAD_MOUNT/, String(status));
    const after = await lstat(join(bundle.rootfs, 'dev/console'));
    t.deepEqual([after.ino, after.mode, after.size], [before.ino, before.mode, before.size]);
    t.false((await readdir(join(bundle.rootfs, 'etc'))).includes('made'));
    t.true((await stat(join(bundle.rootfs, 'dev'))).isDirectory());
  });
}

test('a /dev/pts that is a symlink is not followed to a terminal', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, (config) => ({
    ...config,
    process: { ...config.process, terminal: true },
    mounts: config.mounts?.filter(({ destination }) => !destination.startsWith('/dev')),
  }));
  await symlink('/tmp', join(bundle.rootfs, 'dev/pts'));
  const { status, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id]);
  t.is(status, 1);
  t.regex(stderr, /E_UNSAFE_PATH/);
});
