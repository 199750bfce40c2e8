// An engine of the test VM and an image without a registry: Debian's busybox and nothing else.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { skipUnless } from './skip.ts';

export interface Done {
  /** -1: it did not end in time. */
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Input {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The installed krun, as engines are told of it. */
export const installed = join(import.meta.dirname, '../../bin/krun');

/** A program of the VM: not in the order of things that hang, so each call has five minutes (the VM has no KVM). */
export async function call(program: string, args: readonly string[], more: Input = {}): Promise<Done> {
  const done = await execa(program, args, {
    reject: false,
    timeout: 300_000,
    ...(more.input === undefined ? { stdin: 'ignore' as const } : { input: more.input }),
    ...(more.env === undefined ? {} : { env: more.env }),
    ...(more.cwd === undefined ? {} : { cwd: more.cwd }),
  });
  return { status: done.exitCode ?? -1, out: done.stdout, err: done.stderr };
}

/** What it prints; the test fails, with all that it wrote, if its status is not 0. */
export async function succeed(t: ExecutionContext, program: string, args: readonly string[], more: Input = {}): Promise<string> {
  const done = await call(program, args, more);
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${done.status}\n${done.out}\n${done.err}`);
  t.pass();
  return done.out;
}

/** True if this is not the test VM or it lacks the engine's program; the test then counts as skipped. */
export async function lacksEngine(t: ExecutionContext, ...programs: readonly string[]): Promise<boolean> {
  const found = await Promise.all(programs.map(async (program) => (await call('which', [program])).status === 0));
  return skipUnless(t, `the test VM with ${programs.join(' and ')}`, existsSync('/etc/krun-vm') && found.every(Boolean));
}

/** Waits until something holds; an error after five minutes. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 300_000; !(await holds()); await delay(200))
    if (Date.now() > deadline) throw new Error(`it never came to pass that ${what}`);
}

/** A root file system with busybox and its applets, as a tar archive and as a directory; gone when the process ends. */
export async function busyboxRoot(): Promise<{ readonly directory: string; readonly archive: string }> {
  const home = mkdtempSync('/var/tmp/krun-engine-');
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  const directory = join(home, 'rootfs');
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'root', 'run', 'var'])
    mkdirSync(join(directory, name), { recursive: true });
  cpSync('/bin/busybox', join(directory, 'bin/busybox'));
  const applets = (await execa('/bin/busybox', ['--list'])).stdout.split('\n').filter((name) => name !== 'busybox');
  for (const name of applets) symlinkSync('busybox', join(directory, 'bin', name));
  writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  writeFileSync(join(directory, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  const archive = join(home, 'busybox.tar');
  await execa('tar', ['--create', '--file', archive, '--directory', directory, '.']);
  return { directory, archive };
}

/** A terminal for programs that want one on their side: what its screen shows at the end. */
export async function atTerminal(t: ExecutionContext, program: string, args: readonly string[]): Promise<string> {
  const line = ['stty rows 33 cols 101;', program, ...args].map((word, index) => (index === 0 ? word : quote(word))).join(' ');
  return await succeed(t, 'script', ['--quiet', '--return', '--command', line, '/dev/null'], { input: '' });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
