import type { Readable, Writable } from 'node:stream';
import { signalNumber } from '../cli/signals.ts';
import type { Call } from './call.ts';
import type { ExitStatus } from './exit-status.ts';
import type { SignalName } from './options.ts';
import { destroyStreams } from './streams.ts';

/** A process all of whose standard streams are pipes, as they are unless told otherwise. */
export type PipedProcess = ContainerProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

/** A process that runs in a container and that somebody attends to: the container's first (`run`), or a later one (`exec`). */
export class ContainerProcess implements AsyncDisposable {
  /** The container's. */
  readonly id: string;
  /** As the program sees it. */
  readonly pid: number;
  /** null unless the stream is a pipe. A container that does not read ends it by EPIPE, as any child process does. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly #call: Call;
  readonly #ended: Promise<ExitStatus>;

  /** Made by Krun.run() and Krun.exec(). */
  constructor(id: string, pid: number, call: Call, ended: Promise<ExitStatus>) {
    this.id = id;
    this.pid = pid;
    ({ stdin: this.stdin, stdout: this.stdout, stderr: this.stderr } = call.streams);
    this.#call = call;
    this.#ended = ended;
    ended.catch(() => {}); // who does not wait does not want to know
  }

  /** Resolves when it has ended and, after `run`, the container is removed. Rejects with the reason of an abort, or a KrunError. */
  wait(): Promise<ExitStatus> {
    return this.#ended;
  }

  /** Sends a signal to it, as the helper forwards one; of a process that has ended nobody hears. Throws E_USAGE for an unknown name. */
  kill(signal: SignalName = 'SIGTERM'): void {
    this.#call.signal(signalNumber(String(signal)));
  }

  /** Kills it if it still runs, and waits until all is cleared up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.#ended.catch(() => {});
    destroyStreams(this);
  }
}
