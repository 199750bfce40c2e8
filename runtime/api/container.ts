import type { Readable, Writable } from 'node:stream';
import type { ExitStatus } from './exit-status.ts';
import type { Krun } from './krun.ts';
import type { SignalName } from './options.ts';
import { destroyStreams, type Streams } from './streams.ts';

/** A container that nobody attends to: it outlives the program. */
export class Container implements AsyncDisposable {
  readonly id: string;
  /** Of its first process, as the program sees it. */
  readonly pid: number;
  /** null unless the stream is a pipe; the pipe ends with the program. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly #krun: Krun;

  /** Made by Krun.create() and Krun.start(). */
  constructor(krun: Krun, id: string, pid: number, { stdin, stdout, stderr }: Streams) {
    this.#krun = krun;
    this.id = id;
    this.pid = pid;
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  start(): Promise<void> {
    return this.#krun.start(this.id);
  }

  async wait(options: { readonly signal?: AbortSignal } = {}): Promise<ExitStatus | null> {
    return this.#krun.wait(this.id, options);
  }

  kill(signal: SignalName = 'SIGTERM'): Promise<void> {
    return this.#krun.kill(this.id, signal);
  }

  delete(options: { readonly force?: boolean } = {}): Promise<void> {
    return this.#krun.delete(this.id, options);
  }

  /** Kills and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#krun.delete(this.id, { force: true });
    destroyStreams(this);
  }
}
