import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import test from 'ava';
import { ContainerProcess } from '../../runtime/index.ts';
import { runProgram, until, useKrun } from '../support/api.ts';

test('run resolves with a running process, and wait tells how it ended', async (t) => {
  const { krun, bundle, script, newId } = await useKrun(t);
  const id = newId();
  const container = await krun.run({ id, bundle: bundle.path, config: script('read line; exit 7') });
  t.true(container instanceof ContainerProcess);
  t.is(container.id, id);
  t.is((await krun.state(id)).pid, container.pid);
  container.stdin.end('\n');
  t.deepEqual(await container.wait(), { exitCode: 7, signal: null, status: 7 });
  t.deepEqual(await krun.list(), []);
});

test('a process that a signal ends is told apart from one that exits with 128 and more', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const exits = await krun.run({ bundle: bundle.path, config: script('exit 137') });
  t.deepEqual(await exits.wait(), { exitCode: 137, signal: null, status: 137 });
  const sleeps = await krun.run({ bundle: bundle.path, config: script('echo ready; while :; do sleep 1; done') });
  sleeps.kill('SIGKILL');
  t.deepEqual(await sleeps.wait(), { exitCode: null, signal: 'SIGKILL', status: 137 });
});

test('kill sends the signal that it names', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const traps = await krun.run({ bundle: bundle.path, config: script('trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done') });
  await new Promise((resolve) => traps.stdout.once('data', resolve));
  t.throws(() => traps.kill('SIGNOTHING'), { code: 'E_USAGE' });
  traps.kill('SIGUSR1');
  t.is((await traps.wait()).exitCode, 5);
});

test('standard input, output and error are streams of their own', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const { stdin, stdout, stderr } = await krun.run({ bundle: bundle.path, config: script('cat; echo wrong >&2') });
  stdin.end('right\n');
  t.deepEqual(await Promise.all([text(stdout), text(stderr)]), ['right\n', 'wrong\n']);
});

test('8 MiB go through, byte for byte', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const sent = randomBytes(8 * 1024 * 1024);
  const { stdin, stdout } = await krun.run({ bundle: bundle.path, config: script('exec cat') });
  stdin.end(sent);
  const received = await buffer(stdout);
  t.is(digest(received), digest(sent));
});

test('a container that nobody reads from waits, and nothing is kept in memory', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.run({
    bundle: bundle.path,
    config: script('exec /bin/busybox dd if=/dev/zero bs=65536 count=64 2>/dev/null'),
  });
  container.stdout.read(0); // begins to read, and nobody goes on
  await until('it waits for a reader', () => /pipe/.test(readFileSync(`/proc/${container.pid}/wchan`, 'latin1')));
  t.true((container.stdout.readableLength ?? 0) <= 65536);
  t.is((await buffer(container.stdout)).length, 64 * 65536);
  t.is((await container.wait()).exitCode, 0);
});

test('the standard streams of a container are real pipes, which can be opened by name', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.run({
    bundle: bundle.path,
    config: script('echo one > /proc/self/fd/1; echo two > /proc/self/fd/2; cat /proc/self/fd/0'),
  });
  container.stdin.end('three\n');
  t.is(await text(container.stdout), 'one\nthree\n');
});

test('no helper holds the pipes of another call: the end of its input reaches a container while others run', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const run = (text: string) => krun.run({ bundle: bundle.path, config: script(text) });
  const [, reads] = await Promise.all([run('exec sleep 1000'), run('exec cat'), run('exec sleep 1000')]);
  reads.stdin.end('all of it');
  t.is(await text(reads.stdout), 'all of it');
  t.is((await reads.wait()).exitCode, 0);
});

test('ignored streams are the null device', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.run({
    bundle: bundle.path,
    config: script('read line && exit 1; echo lost && echo lost >&2 && exit 3'),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  t.deepEqual([container.stdin, container.stdout, container.stderr], [null, null, null]);
  t.is((await container.wait()).exitCode, 3);
});

test("inherited streams are the program's own", async (t) => {
  const { krun, bundle } = await useKrun(t);
  const source = `import { Krun } from 'krun';
    await using krun = new Krun({ root: ${JSON.stringify(krun.root)} });
    const args = ['sh', '-c', 'cat; echo; echo error >&2; exit 4'];
    const container = await krun.run({ rootfs: ${JSON.stringify(bundle.rootfs)}, args, stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' });
    process.exitCode = (await container.wait()).status;`;
  t.deepEqual(await runProgram(source), { status: 4, stdout: 'from the program\n', stderr: 'error\n' });
});

test('a terminal is relayed to and from the streams', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const base = script('test -t 0 && test -t 1 && test -t 2 && echo a terminal; read line; echo "<$line>"');
  const config = { ...base, ...(base.process && { process: { ...base.process, terminal: true } }) };
  const container = await krun.run({ bundle: bundle.path, config });
  container.stdin.end('typed\n');
  const said = await text(container.stdout);
  t.regex(said, /a terminal/);
  t.regex(said, /<typed>/);
});

test('a root file system and a program are enough', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const container = await krun.run({ rootfs: bundle.rootfs, args: ['sh', '-c', 'echo $$; > /new'] });
  t.deepEqual(await Promise.all([text(container.stdout), text(container.stderr)]), [
    '1\n',
    "sh: can't create /new: Read-only file system\n",
  ]);
  const above = await krun.run({ rootfs: bundle.rootfs, args: ['sh', '-c', '> /new && ls /new'], ephemeral: true });
  t.is(await text(above.stdout), '/new\n');
});

test('a bundle is run as its config.json says', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const container = await krun.run({ bundle: bundle.path });
  const report = JSON.parse(await text(container.stdout));
  t.is(report.pid ?? 1, 1);
  t.is((await container.wait()).exitCode, 0);
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
