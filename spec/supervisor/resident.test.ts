import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { encodeFrame } from '../../runtime/channel/frame.ts';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary, runKrun } from '../support/krun.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';
import { connectTo, startSupervisor, temporaryDirectory, until } from '../support/supervisor.ts';

// ── serving ──────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a resident supervisor answers the calls of its user, and tells about it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const supervisor = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sh', '-c', 'echo here; exit 7'] }));
  const { env } = supervisor;
  const before = await supervisor.status();
  for (let count = 0; count < 3; count++) {
    const { status, stdout, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id], { env });
    t.deepEqual([status, stdout, stderr], [7, 'here', '']);
  }
  const after = await supervisor.status();
  t.is(after.starts - before.starts, 3);
  t.is(after.refusals, 0);
  t.is(after.pid, supervisor.pid);
  t.true(after.p50 > 0 && after.p50 <= after.p99 && after.memory > 0 && after.uptime > before.uptime);
});

test('a failure is explained as it is without a resident supervisor', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { env, status } = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/nowhere'] }));
  const call = (variables: Record<string, string>) => runKrun(['run', '--bundle', bundle.path, bundle.id], { env: variables });
  const [own, resident] = [await call({ KRUN_SUPERVISOR: 'off' }), await call(env)];
  t.is(resident.status, 1);
  t.true(resident.stderr.includes('code: E_NOT_FOUND'), resident.stderr);
  t.deepEqual(resident, own);
  const { answers, starts } = await status();
  t.is(starts, 1);
  t.true(answers >= 3); // the call, the failure, the status
});

test('what takes long, or is seldom wanted, is left to a supervisor of the call’s own', async (t) => {
  const { env, status } = await startSupervisor(t);
  const { stdout } = await runKrun(['--version'], { env });
  t.regex(stdout, /^krun version /);
  t.is((await status()).refusals, 1);
});

test('a changed config.json is noticed, replaced or written in place', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { env, status } = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'AAAA'] }));
  const file = join(bundle.path, 'config.json');
  const run = async () => (await runKrun(['run', '--bundle', bundle.path, bundle.id], { env })).stdout;
  t.is(await run(), 'AAAA');
  await until(async () => Date.now() - (await stat(file)).ctimeMs > 100); // from then on it is kept
  for (const word of ['AAAA', 'AAAA', 'BBBB', 'CCCC', 'DDDD']) {
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/[A-D]{4}/, word));
    t.is(await run(), word);
    await utimes(file, 1, 1); // a time that was set proves nothing either
    t.is(await run(), word);
  }
  await until(async () => Date.now() - (await stat(file)).ctimeMs > 100);
  const { cacheHits } = await status();
  for (let count = 0; count < 3; count++) t.is(await run(), 'DDDD');
  t.is((await status()).cacheHits - cacheHits, 2);
});

test('a config.json that makes its reader wait holds up nobody else', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { env, status } = await startSupervisor(t);
  const odd = await temporaryDirectory(t);
  await execa('mkfifo', [join(odd, 'config.json')]);
  const waiting = spawn(krunBinary, ['run', '--bundle', odd, 'odd'], { env, stdio: 'ignore' });
  t.teardown(() => waiting.kill('SIGKILL'));
  await until(async () => (await status()).refusals === 1);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  t.is((await runKrun(['run', '--bundle', bundle.path, bundle.id], { env })).status, 0);
  t.is(waiting.exitCode, null);
});

// ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('its directory is 0700, its socket 0600; stop ends it and removes the socket', async (t) => {
  const { env, directory, socket, process: child } = await startSupervisor(t);
  t.is((await stat(join(directory, 'home'))).mode & 0o777, 0o700);
  t.is((await stat(socket)).mode & 0o777, 0o600);
  t.is((await runKrun(['supervisor', 'stop'], { env })).status, 0);
  t.is(child.exitCode, 0);
  t.deepEqual(await readdir(join(directory, 'home')), ['pid']);
  const again = await runKrun(['supervisor', 'stop'], { env });
  t.deepEqual([again.status, again.stderr.split('\n')[0]], [1, 'krun: no supervisor is running']);
  t.is((await runKrun(['supervisor', 'status'], { env })).status, 1);
});

test('there is one at a time; after a killed one the next takes its place', async (t) => {
  const { env, pid, process: child } = await startSupervisor(t);
  const second = await runKrun(['supervisor'], { env });
  t.is(second.status, 1);
  t.regex(second.stderr, /a supervisor is running already/);
  const ended = once(child, 'exit');
  process.kill(pid, 'SIGKILL');
  await ended;
  const third = spawn(krunBinary, ['supervisor'], { env, stdio: 'ignore' });
  t.teardown(() => third.kill('SIGKILL'));
  await until(async () => (await runKrun(['supervisor', 'status'], { env })).status === 0);
  t.is((await runKrun(['supervisor', 'stop'], { env })).status, 0);
});

test('a directory that others may enter, or that is not ours, is refused', async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'home'));
  await chmod(join(directory, 'home'), 0o755);
  const { status, stderr } = await runKrun(['supervisor'], { env: { KRUN_SUPERVISOR: join(directory, 'home/socket') } });
  t.is(status, 1);
  t.regex(stderr, /E_SUPERVISOR/);
});

test('it leaves after the time without a call that --idle-timeout says', async (t) => {
  const socket = join(await temporaryDirectory(t), 'home/socket');
  const { status, stderr } = await runKrun(['supervisor', '--idle-timeout', '300ms'], { env: { KRUN_SUPERVISOR: socket } });
  t.deepEqual([status, stderr], [0, 'krun supervisor: leaving: no call for 0.3 seconds']);
  t.false(existsSync(socket));
});

test('at a socket of systemd it serves the call that woke it, and does not remove the socket', async (t) => {
  const activate = (await execa('which', ['systemd-socket-activate'], { reject: false })).stdout;
  if (skipUnless(t, 'systemd-socket-activate', activate !== '')) return;
  const directory = await temporaryDirectory(t);
  const socket = join(directory, 'home/socket');
  await mkdir(join(directory, 'home'), { mode: 0o700 });
  const env = { KRUN_SUPERVISOR: socket };
  const manager = spawn(activate, ['--listen', socket, '--setenv=KRUN_SUPERVISOR', krunBinary, 'supervisor', '--idle-timeout=1s'], {
    env: { ...process.env, KRUN_SUPERVISOR: socket },
    stdio: 'ignore',
  });
  t.teardown(() => manager.kill('SIGKILL'));
  await until(async () => (await readdir(join(directory, 'home'))).includes('socket'));
  const { status, stdout } = await runKrun(['supervisor', 'status', '--format', 'json'], { env });
  t.is(status, 0);
  t.is(JSON.parse(stdout).pid, manager.pid); // the activator became it
  if (manager.exitCode === null) await once(manager, 'exit');
  t.true((await readdir(join(directory, 'home'))).includes('socket'));
});

test('after an upgrade it is not asked, and leaves', async (t) => {
  const prefix = await temporaryDirectory(t);
  const installed = join(krunBinary, '../..');
  await mkdir(join(prefix, 'bin'));
  await cp(krunBinary, join(prefix, 'bin/krun'));
  await cp(join(installed, 'dist'), join(prefix, 'dist'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (name) => !name.endsWith('/node'),
  });
  await execa('ln', [join(installed, 'dist/node'), join(prefix, 'dist/node')], { reject: false }).then(({ exitCode }) =>
    exitCode === 0 ? undefined : cp(join(installed, 'dist/node'), join(prefix, 'dist/node')),
  );
  const binary = join(prefix, 'bin/krun');
  const supervisor = await startSupervisor(t, { binary });
  const ask = () => execa(binary, ['supervisor', 'status'], { env: supervisor.env, reject: false });
  t.is((await ask()).exitCode, 0);
  t.is((await runKrun(['supervisor', 'status'], { env: supervisor.env })).status, 1); // another installation is another build
  t.is((await ask()).exitCode, 0);

  await writeFile(join(prefix, 'dist/resident.js.new'), await readFile(join(prefix, 'dist/resident.js')));
  await execa('mv', [join(prefix, 'dist/resident.js.new'), join(prefix, 'dist/resident.js')]);
  t.is((await ask()).exitCode, 1);
  await until(() => supervisor.process.exitCode !== null && supervisor.stderr() !== '');
  t.is(supervisor.process.exitCode, 0);
  t.regex(supervisor.stderr(), /leaving: krun has been upgraded/);
});

// ── it cannot hurt ───────────────────────────────────────────────────────────────────────────────────────────────────

test('one that hangs is waited for for two seconds, then the call starts its own', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { env, pid } = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'here'] }));
  process.kill(pid, 'SIGSTOP');
  const began = Date.now();
  const { status, stdout, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id], { env });
  t.deepEqual([status, stdout, stderr], [0, 'here', '']);
  t.true(Date.now() - began >= 2000);
  process.kill(pid, 'SIGCONT');
});

test('it is killed during 300 starts at once: each succeeds, and nothing is left', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(180_000);
  const { env, pid } = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'here'] }));
  const before = await hostSnapshot();
  let ended = 0;
  const starts = Array.from({ length: 300 }, async (_, index) => {
    const result = await runKrun(['run', '--bundle', bundle.path, `${bundle.id}-${index}`], { env });
    if (++ended === 60) process.kill(pid, 'SIGKILL');
    return result;
  });
  for (const result of await Promise.all(starts)) t.deepEqual([result.status, result.stdout, result.stderr], [0, 'here', '']);
  await assertNothingLeft(t, before, bundle);
});

test('1,000 idle connections, half calls and calls without end cost little memory and hold up nobody', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(60_000);
  const supervisor = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  const { memory } = await supervisor.status();
  const idle = await Promise.all(Array.from({ length: 1000 }, () => connectTo(supervisor.socket)));
  const greeting = encodeFrame('greeting', new Uint8Array(8));
  const endless = encodeFrame('request', new Uint8Array(3 * 1024 * 1024)).subarray(0, -1);
  const tooLarge = encodeFrame('request', new Uint8Array(8));
  new DataView(tooLarge.buffer).setUint32(8, 0xffff_fff0, true);
  for (const socket of idle.slice(0, 300)) socket.write(greeting.subarray(0, 5));
  for (const socket of idle.slice(300, 400)) socket.write(Buffer.concat([greeting, endless]));
  for (const socket of idle.slice(400, 500)) socket.write(Buffer.concat([greeting, tooLarge]));
  for (const socket of idle.slice(500, 600)) socket.write('GET / HTTP/1.1\r\n\r\n');
  for (const socket of idle) socket.resume();
  const began = Date.now();
  for (let count = 0; count < 5; count++) {
    const { status, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id], { env: supervisor.env });
    t.deepEqual([status, stderr], [0, '']);
  }
  const during = await supervisor.status();
  t.is(during.refusals, 0);
  t.true(during.starts === 5, 'nobody fell back');
  t.true(during.waiting <= 256);
  t.true(during.memory - memory < 96 * 1024 * 1024, `${(during.memory - memory) / 1024 / 1024} MiB more`);
  t.log(`5 starts beside 1,000 connections: ${Date.now() - began} ms`);
  await until(async () => (await supervisor.status()).waiting === 0);
  for (const socket of idle) socket.destroy();
});
