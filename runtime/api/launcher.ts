// The program's side of runtime/helper/launcher.c: one process that lives as long as a Krun instance uses it, and forks a helper a call.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { decodeHeader, headerLength } from '../channel/frame.ts';
import {
  decodeReport,
  encodeCancel,
  encodeLaunch,
  encodePrepare,
  encodeSignal,
  type LauncherReport,
  type Stdio,
} from '../channel/launcher-messages.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Plan } from '../plan/ops.ts';
import { Call, type ProcessEnd } from './call.ts';
import { destroyStreams, openStreams } from './streams.ts';

/** stdin, stdout, stderr. */
export type StdioTriple = readonly [Stdio, Stdio, Stdio];

export interface LauncherListener {
  /** What a call has left behind, such as the first process of a created container, has ended. */
  readonly onOrphan: (pid: number, end: ProcessEnd) => void;
  /** The launcher has ended: of no orphan anything will be heard. */
  readonly onLost: () => void;
}

export class Launcher {
  readonly #helper: string;
  readonly #calls = new Map<number, Call>();
  readonly #listener: LauncherListener;
  #running: { readonly child: ChildProcess; readonly control: Socket; readonly ended: Promise<void> } | null = null;
  #nextCall = 1;
  #awaited = 0;
  #isClosed = false;

  constructor(helper: string, listener: LauncherListener) {
    this.#helper = helper;
    this.#listener = listener;
  }

  /** Its pid, or null while there is none. */
  get pid(): number | null {
    return this.#running?.child.pid ?? null;
  }

  /**
   * Hands a plan to a child of the launcher, which makes the pipes while the plan is compiled. Rejects when it cannot be, or the launcher
   * not be reached (E_LAUNCHER); what becomes of it then is the call's to tell.
   */
  async launch(stdio: StdioTriple, compile: () => Promise<Plan> | Plan, onStarted?: (pid: number) => void): Promise<Call> {
    const { child, control } = this.#start();
    const id = this.#nextCall++;
    const call = new Call((signal) => this.#send(encodeSignal(id, signal)), onStarted);
    this.#add(id, call);
    try {
      this.#send(encodePrepare(id, stdio));
      const plan = await compile();
      if (stdio.includes('pipe')) call.streams = openStreams(child.pid ?? 0, await call.prepared);
      control.write(encodeLaunch(id, plan));
      return call;
    } catch (error) {
      destroyStreams(call.streams);
      this.#send(encodeCancel(id));
      this.#remove(id);
      throw error;
    }
  }

  /** Keeps the program alive until that is settled, for who waits for an orphan. */
  async keepAlive<Value>(awaited: Promise<Value>): Promise<Value> {
    this.#hold();
    return awaited.finally(() => this.#release());
  }

  /** Ends all calls as by SIGKILL and waits until they have cleared up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running === null) return;
    const { child, control, ended } = this.#running;
    child.ref();
    control.ref();
    control.end();
    await ended;
  }

  // An environment of its own, and / as its directory: it keeps no file system busy.
  #start(): { readonly child: ChildProcess; readonly control: Socket } {
    if (this.#isClosed) throw new KrunError('E_LAUNCHER', 'this Krun instance has been disposed of');
    if (this.#running !== null) return this.#running;
    const env = { KRUN_LAUNCHER: '3' };
    const child = spawn(this.#helper, ['launcher'], { stdio: ['inherit', 'inherit', 'inherit', 'pipe'], env, cwd: '/' });
    const control = child.stdio[3] as Socket;
    const ended = new Promise<void>((resolve) => {
      child.once('error', (cause) => resolve(this.#lose(child, `the helper ${this.#helper} cannot be started`, cause)));
      child.once('close', (status, signal) => resolve(this.#lose(child, `the helper has ended (${signal ?? `status ${status}`})`)));
    });
    control.on('error', ignore); // its end tells
    control.on(
      'data',
      reader((report) => this.#hear(report)),
    );
    child.unref();
    control.unref();
    this.#running = { child, control, ended };
    return this.#running;
  }

  #hear(report: LauncherReport): void {
    if (report.kind === 'gone' && report.call === 0) this.#listener.onOrphan(report.pid, endOf(report));
    this.#calls.get(report.call)?.hear(report);
    if (report.kind === 'gone' || (report.kind === 'prepared' && report.errno !== 0)) this.#remove(report.call);
  }

  #lose(child: ChildProcess, why: string, cause?: Error): void {
    if (this.#running?.child !== child) return; // it has been told before
    this.#running = null;
    const error = new KrunError('E_LAUNCHER', why, {
      path: this.#helper,
      ...(cause === undefined ? {} : { cause, hint: 'npm run build makes it' }),
    });
    for (const [id, call] of this.#calls) {
      call.fail(error);
      this.#remove(id);
    }
    this.#listener.onLost();
  }

  #send(frame: Uint8Array): void {
    this.#running?.control.write(frame);
  }

  // What waits for an answer keeps the program alive; a launcher at rest does not.
  #add(id: number, call: Call): void {
    this.#calls.set(id, call);
    this.#hold();
  }

  #remove(id: number): void {
    if (this.#calls.delete(id)) this.#release();
  }

  #hold(): void {
    this.#awaited++;
    this.#running?.control.ref();
  }

  #release(): void {
    this.#awaited--;
    if (this.#awaited === 0 && !this.#isClosed) this.#running?.control.unref();
  }
}

function endOf({ status, signal }: { readonly status: number; readonly signal: number }): ProcessEnd {
  return { status: signal === 0 ? status : 128 + signal, signal };
}

function reader(hear: (report: LauncherReport) => void): (data: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (data) => {
    held = held.length === 0 ? data : Buffer.concat([held, data]);
    while (held.length >= headerLength) {
      const end = headerLength + decodeHeader(held, 'report');
      if (held.length < end) return;
      const body = held.subarray(headerLength, end);
      held = held.subarray(end);
      hear(decodeReport(body));
    }
  };
}

function ignore(): void {
  // See where it is used.
}
