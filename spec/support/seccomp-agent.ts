// An agent for SCMP_ACT_NOTIFY: it takes what a runtime sends to listenerPath, and answers the calls.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export interface Agent {
  /** The container process states that have come, in order; waits for the next. */
  readonly state: () => Promise<ReceivedState>;
  /** Waits until a connection has been closed after its state. */
  readonly closed: () => Promise<void>;
  /** The numbers of the calls that it has been asked about so far. */
  readonly calls: () => readonly number[];
}

export interface ReceivedState {
  readonly state: {
    readonly ociVersion: string;
    readonly fds: readonly string[];
    readonly pid: number;
    readonly metadata?: string;
    readonly state: Readonly<Record<string, unknown>>;
  };
  readonly descriptors: number;
}

const program = fileURLToPath(new URL('./seccomp-agent.py', import.meta.url));

/** Listens at `directory`/agent, until the test is over. `answers`: an errno by the number of the call; else it goes on. */
export async function startAgent(
  t: ExecutionContext,
  directory: string,
  answers: Readonly<Record<number | 'hang-up', number | string>> | Readonly<Record<number, number>> = {},
): Promise<Agent> {
  const words = Object.entries(answers).map(([number, answer]) => `${number}=${answer}`);
  const child = spawn('/usr/bin/python3', [program, join(directory, 'agent'), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const calls: number[] = [];
  const lines = createInterface(child.stdout);
  const states: ReceivedState[] = [];
  const waiting: ((state: ReceivedState) => void)[] = [];
  await new Promise((resolve, reject) => {
    child.once('exit', (status) => reject(new Error(`the agent has ended with ${status}`)));
    lines.once('line', resolve);
  });
  let end = (): void => {};
  const closed = new Promise<void>((resolve) => {
    end = resolve;
  });
  lines.on('line', (line) => {
    const said = JSON.parse(line) as ReceivedState | { readonly call: number } | { readonly closed: true };
    if ('call' in said) calls.push(said.call);
    else if ('closed' in said) end();
    else (waiting.shift() ?? ((state) => void states.push(state)))(said);
  });
  const next = () => new Promise<ReceivedState>((resolve) => waiting.push(resolve));
  return { state: async () => states.shift() ?? (await next()), calls: () => calls, closed: () => closed };
}
