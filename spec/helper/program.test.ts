import { chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Process } from '../../runtime/config/config.ts';
import type { FailureReport } from '../../runtime/errors/failure-report.ts';
import { probePath, probeSettings, runSettings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;

async function directory(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'krun-program-'));
  await chmod(path, 0o755);
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function script(path: string, content: string | Uint8Array, mode = 0o755): Promise<string> {
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

async function failureOf(process: Partial<Process>, wrapper: readonly string[] = []): Promise<FailureReport | null> {
  return (await runSettings({ process }, { wrapper })).failure;
}

// ── finding it ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('a name without a slash is searched in the directories of the container’s PATH, in order', async (t) => {
  const path = await directory(t);
  await mkdir(join(path, 'a'));
  await mkdir(join(path, 'b'));
  await mkdir(join(path, 'a/tool')); // a directory of the name is passed over
  await script(join(path, 'b/tool'), '#!/bin/sh\necho found in b\n');
  const { stdout } = await runSettings({ process: { args: ['tool'], env: [`PATH=/nonexistent:${path}/a:${path}/b`] } });
  t.is(stdout, 'found in b\n');
});

test('an empty directory of PATH is the working directory, but an empty or missing PATH is none', async (t) => {
  const path = await directory(t);
  await script(join(path, 'tool'), '#!/bin/sh\necho here\n');
  for (const PATH of ['/bin:', ':/bin', '/sbin::/bin']) {
    const { stdout } = await runSettings({ process: { args: ['tool'], cwd: path, env: [`PATH=${PATH}`] } });
    t.is(stdout, 'here\n', PATH);
  }
  for (const env of [['PATH='], []]) {
    t.like(await failureOf({ args: ['tool'], cwd: path, env }), { op: 'findProgram', pointer: '/process/args/0', errno: 2 });
  }
});

test('a name with a slash is a path from the working directory', async (t) => {
  const path = await directory(t);
  await script(join(path, 'tool'), '#!/bin/sh\necho here\n');
  t.is((await runSettings({ process: { args: ['./tool'], cwd: path } })).stdout, 'here\n');
});

test('a program that is not there is reported before the process starts, by its name', async (t) => {
  t.like(await failureOf({ args: ['no-such'], env: ['PATH=/bin:/usr/bin'] }), {
    op: 'findProgram',
    errno: 2,
    path: 'no-such',
    detail: 'searched=1',
  });
  t.like(await failureOf({ args: ['/bin/no-such'] }), { op: 'findProgram', errno: 2, path: '/bin/no-such', detail: 'exists=0' });
  t.like(await failureOf({ args: ['/etc/hostname/x'] }), { op: 'findProgram', errno: 20 });
});

test('a directory, a file without execute permission and one for others only are refused with what they are', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const path = await directory(t);
  const plain = await script(join(path, 'plain'), 'echo\n', 0o644);
  const mine = await script(join(path, 'mine'), '#!/bin/sh\n', 0o700);
  t.like(await failureOf({ args: [path] }), { op: 'findProgram', errno: 21, path });
  const noBit = await failureOf({ args: [plain] });
  t.like(noBit, { op: 'findProgram', errno: 13, path: plain });
  t.regex(noBit?.detail ?? '', /mode=100644\nnoexec=0/);
  t.like(await failureOf({ args: [mine], user: { uid: 4, gid: 4 } }), { op: 'findProgram', errno: 13, path: mine });
  t.is(await failureOf({ args: [mine] }), null);
});

test('a program denied in one directory of PATH gives way to one in a later, and is named if there is none', async (t) => {
  const path = await directory(t);
  await mkdir(join(path, 'a'));
  await mkdir(join(path, 'b'));
  await script(join(path, 'a/tool'), '#!/bin/sh\n', 0o644);
  const env = [`PATH=${path}/a:${path}/b`];
  t.like(await failureOf({ args: ['tool'], env }), { op: 'findProgram', errno: 13, path: `${path}/a/tool` });
  await script(join(path, 'b/tool'), '#!/bin/sh\n');
  t.is(await failureOf({ args: ['tool'], env }), null);
});

// ── why it does not start ────────────────────────────────────────────────────────────────────────────────────────────

test('a missing interpreter is named', async (t) => {
  const path = await directory(t);
  const failure = await failureOf({ args: [await script(join(path, 'x'), '#! /opt/no/python3 -u\nprint()\n')] });
  t.like(failure, { op: 'execute', pointer: '/process/args', syscall: 'execve', errno: 2 });
  t.regex(failure?.detail ?? '', /empty=0\nreadable=1\ninterpreterExists=0\nshebangCr=0\ninterpreter=\/opt\/no\/python3$/);
});

test('a carriage return in the shebang is told from a missing interpreter', async (t) => {
  const path = await directory(t);
  const failure = await failureOf({ args: [await script(join(path, 'x'), '#!/bin/sh\r\necho\r\n')] });
  t.like(failure, { op: 'execute', errno: 2 });
  t.regex(failure?.detail ?? '', /interpreterExists=0\nshebangCr=1\ninterpreter=\/bin\/sh$/);
});

test('a missing ELF loader is named, and a program for another machine with its machine', async (t) => {
  const path = await directory(t);
  const elf = await readFile('/bin/sh');
  const loader = /\/lib[^\0]*\/ld-[^\0]*/.exec(elf.toString('latin1'));
  if (skipUnless(t, 'a dynamic /bin/sh', loader !== null)) return;
  elf.write('/none', loader?.index ?? 0, 'latin1');
  const unloadable = await failureOf({ args: [await script(join(path, 'x'), elf)] });
  t.like(unloadable, { op: 'execute', errno: 2 });
  t.regex(unloadable?.detail ?? '', /class=64\nmachine=\d+\ndata=1\ninterpreterExists=0\ninterpreter=\/none/);

  const foreign = await readFile(probePath);
  foreign.writeUInt16LE(22, 18); // EM_S390
  const failure = await failureOf({ args: [await script(join(path, 'y'), foreign)] });
  t.like(failure, { op: 'execute', errno: 8 });
  t.regex(failure?.detail ?? '', /machine=22/);
});

test('an empty file and one of no known format say so', async (t) => {
  const path = await directory(t);
  const empty = await failureOf({ args: [await script(join(path, 'x'), '')] });
  t.like(empty, { op: 'execute', errno: 8 });
  t.regex(empty?.detail ?? '', /empty=1/);
  t.regex((await failureOf({ args: [await script(join(path, 'y'), 'echo hello\n')] }))?.detail ?? '', /empty=0\nreadable=1$/);
});

test('a program on a mount without exec says so', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const path = await directory(t);
  await script(join(path, 'x'), '#!/bin/sh\n');
  const wrapper = ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o noexec none ${path} && cp /bin/true ${path}/x && exec "$@"`, '-'];
  const failure = await failureOf({ args: [`${path}/x`] }, wrapper);
  t.like(failure, { op: 'findProgram', errno: 13 });
  t.regex(failure?.detail ?? '', /noexec=1/);
});

test('what a hostile file says of itself stays within bounds', async (t) => {
  const path = await directory(t);
  const header = (await readFile(probePath)).subarray(0, 64);
  header.writeBigUInt64LE(2n ** 63n - 1n, 32); // e_phoff
  header.writeUInt16LE(0xffff, 56); // e_phnum
  header.writeUInt16LE(0xff, 18);
  t.is((await failureOf({ args: [await script(join(path, 'x'), header)] }))?.errno, 8);
  const long = `#!/${'x'.repeat(5000)}\nmode=0\n`;
  const failure = await failureOf({ args: [await script(join(path, 'y'), long)] });
  t.true((failure?.detail.length ?? 9999) < 1024);
});

// ── the working directory ────────────────────────────────────────────────────────────────────────────────────────────

test('the process starts in its working directory, which only the user may need to be able to enter', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const path = await directory(t);
  await mkdir(join(path, 'private'));
  await chmod(join(path, 'private'), 0o700);
  const user = { uid: 5, gid: 5 };
  t.is((await probeSettings({ process: { cwd: join(path, 'private'), user } })).cwd, join(path, 'private'), 'root could enter it');
  await chown(join(path, 'private'), 5, 5);
  const wrapper = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
  t.is(
    (await probeSettings({ process: { cwd: join(path, 'private'), user } }, { wrapper })).cwd,
    join(path, 'private'),
    'only the user could',
  );
  t.like(await failureOf({ cwd: join(path, 'private'), user: { uid: 6, gid: 6 } }, wrapper), { op: 'changeDirectory', errno: 13 });
  t.like(await failureOf({ cwd: join(path, 'none') }), { op: 'changeDirectory', pointer: '/process/cwd', syscall: 'chdir', errno: 2 });
});

test('a working directory that is a file is refused', async (t) => {
  t.like(await failureOf({ cwd: '/etc/hostname' }), { op: 'changeDirectory', syscall: 'chdir', errno: 20, path: '/etc/hostname' });
});

// ── HOME ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** HOME by an /etc/passwd of the test's own. */
async function home(t: ExecutionContext, passwd: string, uid: number): Promise<string | undefined> {
  const report = await probeSettings(
    { process: { user: { uid, gid: 0 } } },
    { wrapper: ['unshare', '-m', 'sh', '-c', `mount --bind ${passwd} /etc/passwd && exec "$@"`, '-'] },
  );
  t.true(report.environment.length <= 1);
  return report.environment[0];
}

test('HOME is that of the uid, compared as a number, and / when there is none', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const path = await directory(t);
  const lines = [
    '5:x:77:0::/wrong/name:/bin/sh',
    'short:x:5',
    'plus:x:+5:0::/wrong/plus:/bin/sh',
    'blank:x: 5:0::/wrong/blank:/bin/sh',
    'huge:x:4294967301:0::/wrong/huge:/bin/sh',
    'hex:x:0x5:0::/wrong/hex:/bin/sh',
    `${'long'.repeat(2000)}:x:5:0::/wrong/long:/bin/sh`,
    'right:x:5:0:a comment:/home/right:/bin/sh',
    'late:x:5:0::/wrong/late:/bin/sh',
    'empty:x:6:0:::/bin/sh',
    'last:x:7:0::/home/last:/bin/sh',
  ];
  const file = await script(join(path, 'passwd'), lines.join('\n'));
  t.is(await home(t, file, 5), 'HOME=/home/right');
  t.is(await home(t, file, 6), 'HOME=/');
  t.is(await home(t, file, 7), 'HOME=/home/last');
  t.is(await home(t, file, 8), 'HOME=/');
});

test('an /etc/passwd that is a fifo, a device or endless neither hangs nor matters', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const path = await directory(t);
  await execa('mkfifo', [join(path, 'fifo')]);
  const sparse = await open(join(path, 'sparse'), 'w');
  await sparse.truncate(10 * 2 ** 30);
  await sparse.close();
  for (const file of ['fifo', 'sparse']) t.is(await home(t, join(path, file), 5), 'HOME=/', file);
  t.is(await home(t, '/dev/zero', 5), 'HOME=/');
});

test('HOME in the environment stays as it is', async (t) => {
  t.deepEqual((await probeSettings({ process: { env: ['HOME=/elsewhere'] } })).environment, ['HOME=/elsewhere']);
});
