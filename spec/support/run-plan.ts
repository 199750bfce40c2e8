// Plays the supervisor: hands a plan of the test's own to the real helper and tells what became of it (ring 2).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { decodeRequest, type FollowUp } from '../../runtime/channel/decode-request.ts';
import { encodePlan } from '../../runtime/channel/encode-plan.ts';
import { decodeHeader, headerLength } from '../../runtime/channel/frame.ts';
import type { FailureReport } from '../../runtime/errors/failure-report.ts';
import type { Plan } from '../../runtime/plan/ops.ts';

export interface PlanResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the helper reported when an op failed. */
  readonly failure: FailureReport | null;
  /** What it asked further, after a plan that ended in askAgain. */
  readonly followUp: FollowUp | null;
}

export interface PlanOptions {
  /** Default: bin/krun-test, the build with test points. */
  readonly binary?: string;
  /** KRUN_TEST_FAIL and its kind. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Standard input stays open until this is settled. */
  readonly holdInput?: Promise<void>;
  /** Called with the helper's pid once it runs. */
  readonly started?: (pid: number) => unknown;
  /** The helper is held back by this command's words, such as ['unshare', '-m']. */
  readonly wrapper?: readonly string[];
}

/** KRUN_TEST_HELPER runs the same tests on another build. */
export const testHelper = process.env.KRUN_TEST_HELPER ?? fileURLToPath(new URL('../../bin/krun-test', import.meta.url));

export async function runPlan(plan: Plan, options: PlanOptions = {}): Promise<PlanResult> {
  return runFrame(encodePlan(plan), options);
}

/** As runPlan, with a frame that need not be a plan's. */
export async function runFrame(frame: Uint8Array, options: PlanOptions = {}): Promise<PlanResult> {
  const [file = testHelper, ...words] = [...(options.wrapper ?? []), options.binary ?? testHelper, 'test'];
  const env = { ...process.env, KRUN_CHANNEL: '3', ...options.env };
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env });
  const channel = child.stdio[3] as Readable & Writable;
  const output = [collect(child.stdout as Readable), collect(child.stderr as Readable)] as const;
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  child.stdin?.on('error', ignore);
  if (options.holdInput === undefined) child.stdin?.end(options.input ?? '');
  else void options.holdInput.then(() => child.stdin?.end());
  channel.on('error', ignore);
  const report = converse(channel, frame).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (child.pid !== undefined) await options.started?.(child.pid);
  const [status, signal] = await ended;
  return { status, signal, stdout: await output[0], stderr: await output[1], ...(await report) };
}

// The request, our answer, then the report of a failure, a further question, or the end.
async function converse(channel: Readable & Writable, frame: Uint8Array): Promise<Pick<PlanResult, 'failure' | 'followUp'>> {
  const read = reader(channel);
  if ((await readRequest(read)) === null) return { failure: null, followUp: null };
  channel.write(frame);
  const report = await readRequest(read);
  if (report !== null) channel.write(encodePlan([{ op: 'exit', pointer: '', status: report.failure === null ? 0 : 1 }]));
  return { failure: report?.failure ?? null, followUp: report?.followUp ?? null };
}

async function readRequest(read: (length: number) => Promise<Uint8Array | null>): Promise<ReturnType<typeof decodeRequest> | null> {
  const header = await read(headerLength);
  if (header === null) return null;
  const body = await read(decodeHeader(header, 'request'));
  return body === null ? null : decodeRequest(body);
}

function reader(stream: Readable): (length: number) => Promise<Uint8Array | null> {
  let held = Buffer.alloc(0);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return async (length) => {
    while (held.length < length) {
      const next = await chunks.next().catch(() => ({ done: true as const, value: undefined }));
      if (next.done) return null;
      held = Buffer.concat([held, next.value]);
    }
    const taken = held.subarray(0, length);
    held = held.subarray(length);
    return taken;
  };
}

async function collect(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

function ignore(): void {
  // A helper that ends early closes its ends; the result tells.
}
