import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, open, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { whenStopped } from '../support/advisory.ts';
import { actInRootfs, failInRootfs, makeStage, mount, rootfsPlan, type Stage } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

const copied = mount('/mnt', 'tmpfs', { copyUp: true, options: ['size=1m'] });

async function fill(stage: Stage): Promise<string> {
  const directory = join(stage.rootfs, 'mnt');
  await mkdir(join(directory, 'a/b'), { recursive: true });
  await writeFile(join(directory, 'a/file'), 'x'.repeat(40_000));
  await chown(join(directory, 'a/file'), 5, 6);
  await chmod(join(directory, 'a/file'), 0o6751);
  await chmod(join(directory, 'a/b'), 0o1700);
  await symlink(join(stage.canary, 'file'), join(directory, 'link'));
  await symlink(stage.canary, join(directory, 'out'));
  execFileSync('mkfifo', ['-m', '622', join(directory, 'fifo')]);
  execFileSync('mknod', ['-m', '644', join(directory, 'zero'), 'c', '1', '5']);
  await utimes(join(directory, 'a/file'), 1_000_000, 1_500_000);
  return directory;
}

test('tmpcopyup copies kinds, modes, owners and contents, and follows no link', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await fill(stage);
  const [file, content, directory, link, out, fifo, zero] = await actInRootfs(t, stage.rootfs, { setUp: [copied] }, [
    ['stat', '/mnt/a/file'],
    ['read', '/mnt/a/file'],
    ['stat', '/mnt/a/b'],
    ['stat', '/mnt/link'],
    ['stat', '/mnt/out'],
    ['stat', '/mnt/fifo'],
    ['stat', '/mnt/zero'],
  ]);
  t.like(file, { mode: 0o106751, uid: 5, gid: 6, size: 40_000 });
  t.is(content?.content?.length, 40_000);
  t.like(directory, { mode: 0o041700 });
  t.is(link?.target, join(stage.canary, 'file'));
  t.is(out?.target, stage.canary);
  t.like(fifo, { mode: 0o010622 });
  t.like(zero, { mode: 0o020644, major: 1, minor: 5 });
});

test('what is written to the copy stays out of the rootfs', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await writeFile(join(stage.rootfs, 'mnt/file'), 'rootfs');
  const [written, first] = await actInRootfs(t, stage.rootfs, { setUp: [copied] }, [
    ['write', '/mnt/file', 'copied'],
    ['read', '/mnt/file'],
  ]);
  t.is(written?.errno, 0);
  t.is(first?.content, 'copied');
  const [second] = await actInRootfs(t, stage.rootfs, {}, [['read', '/mnt/file']]);
  t.is(second?.content, 'rootfs');
});

test('a sparse file stays sparse, and times come along', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const directory = await fill(stage);
  const sparse = await open(join(directory, 'sparse'), 'w');
  await sparse.truncate(1 << 30);
  await sparse.write('end', (1 << 30) - 3);
  await sparse.close();
  const print = '/bin/busybox stat -c %Y /mnt/a/file; /bin/busybox du -k /mnt/sparse; /bin/busybox tail -c 3 /mnt/sparse';
  const { stdout, failure } = await runShell(stage.rootfs, print);
  t.is(failure, null);
  const [time, used, end] = stdout.split('\n');
  t.is(time, '1500000');
  t.true(Number.parseInt(used ?? '', 10) < 64, used);
  t.is(end, 'end');
});

test('extended attributes come along', async (t) => {
  const stage = await makeStage(t);
  if (stage === null || skipUnless(t, 'python3', hasPython())) return;
  const directory = await fill(stage);
  python(
    `os.setxattr('${directory}/a/file', 'trusted.krun', b'of a file'); os.setxattr('${directory}/a', 'trusted.krun', b'of a directory')`,
  );
  let seen = '';
  await runPlan(rootfsPlan(stage.rootfs, { setUp: [copied] }, []), {
    env: { KRUN_TEST_STOP: 'attached' },
    started: whenStopped(async (pid) => {
      const inside = `/proc/${pid}/root${directory}`;
      seen = python(`print(*(os.getxattr('${inside}/' + name, 'trusted.krun').decode() for name in ['a/file', 'a']))`);
    }),
  });
  t.is(seen, 'of a file of a directory\n');
});

test('what is mounted below is not copied', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await mkdir(join(stage.rootfs, 'mnt/inner'));
  const setUp = [mount('/mnt/inner', 'proc'), copied];
  const [listed] = await actInRootfs(t, stage.rootfs, { setUp }, [['list', '/mnt/inner']]);
  t.deepEqual(listed?.names, []);
});

test('a copy that does not fit fails with the name', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await writeFile(join(stage.rootfs, 'mnt/large'), Buffer.alloc(2 << 20, 1));
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [copied] });
  t.like(failure, { op: 'mount', syscall: 'write', errno: 28, path: '/mnt', detail: 'copying=large' });
});

async function runShell(rootfs: string, script: string): ReturnType<typeof runPlan> {
  const shell = [
    { op: 'findProgram', pointer: '', name: '/bin/sh', searchPath: '' },
    { op: 'execute', pointer: '', arguments: ['sh', '-c', script], environment: [] },
  ] as const;
  return runPlan(rootfsPlan(rootfs, { setUp: [copied], afterPivot: shell }, []));
}

function python(statement: string): string {
  return execFileSync('/usr/bin/python3', ['-c', `import os; ${statement}`], { encoding: 'utf8' });
}

function hasPython(): boolean {
  try {
    return python('print(1)') !== '';
  } catch {
    return false;
  }
}
