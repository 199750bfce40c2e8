// A resident supervisor of a test's own, at a socket in a temporary directory.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { ServiceStatus } from '../../runtime/supervisor/home.ts';
import { krunBinary } from './krun.ts';

export interface Supervisor {
  readonly socket: string;
  readonly directory: string;
  readonly pid: number;
  /** Makes krun ask it. */
  readonly env: { readonly KRUN_SUPERVISOR: string };
  readonly process: ChildProcess;
  readonly stderr: () => string;
  readonly status: () => Promise<ServiceStatus>;
  readonly connect: () => Promise<Socket>;
}

export interface SupervisorOptions {
  readonly args?: readonly string[];
  readonly binary?: string;
  /** What starts it, in front of its command. */
  readonly wrapper?: readonly string[];
  /** For its own directory, `home`, which may be there already. */
  readonly directory?: string;
}

/** Started, and killed when the test is over. */
export async function startSupervisor(
  t: ExecutionContext,
  { args = [], binary = krunBinary, wrapper = [], directory: given }: SupervisorOptions = {},
): Promise<Supervisor> {
  const directory = given ?? (await temporaryDirectory(t));
  const socket = join(directory, 'home/socket');
  const env = { KRUN_SUPERVISOR: socket };
  const command = (...words: string[]) => [...wrapper, binary, 'supervisor', ...words] as [string, ...string[]];
  const [file, ...words] = command(...args);
  const child = spawn(file, words, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => endProcess(child));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [asker, ...question] = command('status', '--format', 'json');
  const ask = () => execa(asker, question, { env, reject: false, stdin: 'ignore' });
  const status = async () => JSON.parse((await ask()).stdout) as ServiceStatus;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the supervisor has ended: ${stderr}`);
    return (await ask()).exitCode === 0;
  });
  return { socket, directory, pid: child.pid ?? 0, env, process: child, stderr: () => stderr, status, connect: () => connectTo(socket) };
}

/** Gone when the test is over. */
export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Waits for a condition, for 20 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('what was waited for has not come');
    await delay(5);
  }
}

export async function connectTo(path: string): Promise<Socket> {
  const socket = connect(path).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
