import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { execa, type Options } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { type Bundle, type Change, makeBundle } from './bundle.ts';
import type { Outcome, ProbeReport } from './probe.ts';

/** KRUN_BINARY runs the same tests on another build, such as bin/krun-sanitize. */
export const krunBinary = process.env.KRUN_BINARY ?? fileURLToPath(new URL('../../bin/krun', import.meta.url));

export interface KrunResult {
  /** As a shell has it: 128+n if a signal ended krun itself. */
  readonly status: number;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs krun to its end; whatever becomes of it is a result. Standard input is empty unless the options say otherwise. */
export async function runKrun(args: readonly string[], options: Options = {}): Promise<KrunResult> {
  const stdin = options.stdio === undefined ? { stdin: 'ignore' as const } : {};
  const result = await execa(krunBinary, args, { ...stdin, timeout: 60_000, killSignal: 'SIGKILL', ...options, reject: false });
  if (result.exitCode === undefined && result.signal === undefined) throw new Error(result.shortMessage ?? 'krun did not start');
  return {
    status: result.exitCode ?? 128 + (signalNumbers[result.signal ?? ''] ?? 0),
    signal: result.signal,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
  };
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** Runs a changed bundle to its end. */
export async function runBundle(t: ExecutionContext, change?: Change, options: Options = {}): Promise<KrunResult & { bundle: Bundle }> {
  const bundle = await makeBundle(t, change);
  return { ...(await runKrun(['run', '--bundle', bundle.path, bundle.id], options)), bundle };
}

/** What the probe sees in a container made from the changed default bundle. */
export async function runProbe(t: ExecutionContext, change?: Change, options: Options = {}): Promise<ProbeReport> {
  return JSON.parse(await outputOf(t, change, options)) as ProbeReport;
}

/** What becomes of actions that the probe tries in turn: [['write', '/proc/sys/kernel/ostype'], ['read', '/etc/hosts']]. */
export async function runActions(t: ExecutionContext, change: Change, ...actions: readonly (readonly string[])[]): Promise<Outcome[]> {
  const args = ['/probe', ...actions.flatMap((action, index) => (index === 0 ? action : [',', ...action]))];
  const parsed = JSON.parse(await outputOf(t, (config) => change(withArguments(config, args)))) as Outcome | Outcome[];
  return Array.isArray(parsed) ? parsed : [parsed];
}

/** The same configuration with another command. */
export function withArguments(config: Config, args: readonly string[]): Config {
  return config.process === undefined ? config : { ...config, process: { ...config.process, args: [...args] } };
}

// The last line, as some actions announce themselves by a line before.
async function outputOf(t: ExecutionContext, change: Change | undefined, options: Options = {}): Promise<string> {
  const { status, stdout, stderr } = await runBundle(t, change, options);
  t.is(status, 0, stderr);
  return stdout.trimEnd().split('\n').at(-1) ?? '';
}

export interface RunningContainer {
  readonly bundle: Bundle;
  /** Of the helper. */
  readonly pid: number;
  /** Lets the probe leave with 0. */
  readonly end: () => void;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly result: Promise<KrunResult>;
}

/** However it ended: a killed helper leaves its state behind. */
export async function removeContainer(id: string, globals: readonly string[] = []): Promise<void> {
  await execa(krunBinary, [...globals, 'delete', '--force', id], { reject: false, stdin: 'ignore' });
}

/** A container whose process runs and waits, until end() or a signal. Whatever is left of it at the end of the test is killed. */
export async function startContainer(
  t: ExecutionContext,
  change: Change = (config) => config,
  globals: readonly string[] = [],
): Promise<RunningContainer> {
  const bundle = await makeBundle(t, (config) => change(withArguments(config, ['/probe', 'sleep-until-stdin-eof'])));
  const child = execa(krunBinary, [...globals, 'run', '--bundle', bundle.path, bundle.id], {
    reject: false,
    stdin: 'pipe',
    buffer: { stdout: false },
  });
  t.teardown(() => removeContainer(bundle.id, globals));
  const result = child.then(({ exitCode, signal, stderr }) => ({
    status: exitCode ?? 128 + (signalNumbers[signal ?? ''] ?? 0),
    signal,
    stdout: '',
    stderr: String(stderr ?? ''),
  }));
  await firstLine(child.stdout, result);
  return { bundle, pid: child.pid ?? 0, end: () => child.stdin.end(), kill: (signal) => void child.kill(signal), result };
}

// The probe says {"ready":true}; krun ending before that is a failure of the test.
async function firstLine(stdout: NodeJS.ReadableStream, result: Promise<KrunResult>): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    stdout.on('data', (data: Buffer) => data.includes('\n') && resolve());
  });
  const ended = result.then(({ status, stderr }) =>
    Promise.reject(new Error(`krun ended with ${status} before its container was ready: ${stderr}`)),
  );
  await Promise.race([ready, ended]);
  ended.catch(() => {}); // it will end later, as it should
}
