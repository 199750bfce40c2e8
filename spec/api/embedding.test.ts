import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { childrenOf, isAlive, packageRoot, until, useKrun } from '../support/api.ts';
import { skipUnless } from '../support/skip.ts';

for (const signal of ['SIGKILL', 'SIGTERM'] as const)
  test(`a program that ${signal} ends takes along what it attends to, also while it is made, and leaves what it has created`, async (t) => {
    const { krun, bundle } = await useKrun(t);
    const program = start(`import { Krun } from 'krun';
      const krun = new Krun({ root: ${JSON.stringify(krun.root)} });
      const rootfs = ${JSON.stringify(bundle.rootfs)};
      const created = await krun.create({ rootfs, args: ['sleep', '1000'] });
      await created.start();
      const running = await krun.run({ rootfs, args: ['sh', '-c', 'trap "" TERM HUP; while :; do sleep 1; done'] });
      const joined = await krun.exec(created.id, { args: ['sleep', '1000'] });
      const { defaultConfig } = await import('krun');
      const { process: own, ...config } = defaultConfig();
      const hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1000'] }] };
      krun.run({ rootfs, config: { ...config, hooks, process: { ...own, terminal: false, args: ['true'] } } });
      while ((await krun.list()).length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      console.log(JSON.stringify({ created: created.pid, pids: [running.pid, joined.pid] }));
      setInterval(() => {}, 1000);`);
    const { created, pids } = JSON.parse(await firstLine(program)) as { created: number; pids: number[] };
    t.true([created, ...pids].every(isAlive));
    program.kill(signal);
    await once(program, 'exit');
    await until('only the created container is left', async () => (await krun.list()).length === 1);
    await until('what it attended to has ended', () => !pids.some(isAlive));
    t.is((await krun.list())[0]?.status, 'running');
    t.true(isAlive(created));
  });

test('beside a running container there is no Node but the program', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const { pid, stdin } = await krun.run({ bundle: bundle.path, config: script('cat') });
  const helper = parentOf(pid);
  const launcher = parentOf(helper);
  t.is(parentOf(launcher), process.pid);
  t.deepEqual([childrenOf(launcher), childrenOf(helper)], [[helper], [pid]]);
  for (const each of [helper, launcher]) t.notRegex(readlinkSync(`/proc/${each}/exe`), /node/);
  t.true(residentKilobytes(launcher) < 1024, `${residentKilobytes(launcher)} kB`);
  stdin.end();
});

test('a start forks neither Node nor the program: of all calls only the first forks, and no Node is executed', async (t) => {
  const has = await execa('strace', ['--version'], { reject: false });
  if (skipUnless(t, 'strace', has.exitCode === 0)) return;
  const { krun, bundle } = await useKrun(t);
  const log = join(bundle.path, 'strace');
  const source = `import { Krun } from 'krun';
    await using krun = new Krun({ root: ${JSON.stringify(krun.root)} });
    for (let time = 0; time < 3; time++) await (await krun.run({ rootfs: ${JSON.stringify(bundle.rootfs)}, args: ['true'] })).wait();`;
  const traced = [
    '-f',
    '-qq',
    '-e',
    'trace=execve,fork,vfork,clone,clone3',
    '-o',
    log,
    process.execPath,
    '--input-type=module',
    '-e',
    source,
  ];
  const { exitCode, stderr } = await execa('strace', traced, { cwd: packageRoot, reject: false, timeout: 120_000 });
  t.is(exitCode, 0, stderr);
  const lines = readFileSync(log, 'utf8').split('\n');
  const program = lines[0]?.split(' ')[0] ?? '';
  t.is(lines.filter((line) => /execve\(".*node"/.test(line)).length, 1, 'the program itself');
  const forks = lines.filter(
    (line) => line.startsWith(`${program} `) && /\b(v?fork|clone3?)\(/.test(line) && !line.includes('CLONE_THREAD'),
  );
  t.is(forks.length, 1, forks.join('\n'));
});

function start(source: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}
