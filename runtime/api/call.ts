import type { FollowUp } from '../channel/decode-request.ts';
import type { LauncherReport } from '../channel/launcher-messages.ts';
import { errnoName } from '../errors/errno.ts';
import type { FailureReport } from '../errors/failure-report.ts';
import { KrunError } from '../errors/krun-error.ts';
import { noStreams, type Streams } from './streams.ts';

/** How a process ended, as the kernel has it. */
export interface ProcessEnd {
  /** 128 + n for signal n. */
  readonly status: number;
  /** 0: it ended by itself. */
  readonly signal: number;
}

/** What came of a plan. */
export interface Outcome extends ProcessEnd {
  /** It was ended by a signal to the helper before it was over. */
  readonly interrupted: boolean;
  readonly failure: FailureReport | null;
  readonly warnings: readonly FailureReport[];
  readonly followUp: FollowUp | null;
}

/** One plan that a child of the launcher carries out. */
export class Call {
  /** Set once it is launched. */
  streams: Streams = noStreams;
  /** The program's descriptors, as numbers in the launcher. */
  readonly prepared: Promise<readonly (number | null)[]>;
  /** The pid that announce told; null when the plan was over before. */
  readonly started: Promise<number | null>;
  /** Rejects only when the launcher is lost (E_LAUNCHER), or the helper killed (E_SET_UP_KILLED). */
  readonly outcome: Promise<Outcome>;

  readonly #prepared = Promise.withResolvers<readonly (number | null)[]>();
  readonly #started = Promise.withResolvers<number | null>();
  readonly #outcome = Promise.withResolvers<Outcome>();
  readonly #send: (signal: number) => void;
  readonly #onStarted: (pid: number) => void;
  #result: Pick<Outcome, 'status' | 'signal' | 'interrupted'> | null = null;
  #failure: FailureReport | null = null;
  #followUp: FollowUp | null = null;
  readonly #warnings: FailureReport[] = [];

  constructor(send: (signal: number) => void, onStarted: (pid: number) => void = () => {}) {
    this.#send = send;
    this.#onStarted = onStarted;
    this.prepared = this.#prepared.promise;
    this.started = this.#started.promise;
    this.outcome = this.#outcome.promise;
    for (const promise of [this.prepared, this.started, this.outcome]) promise.catch(() => {}); // not everybody asks for all of them
  }

  /** To the container's process; 9 ends the whole call. */
  signal(signal: number): void {
    this.#send(signal);
  }

  hear(report: LauncherReport): void {
    switch (report.kind) {
      case 'prepared':
        if (report.errno === 0) this.#prepared.resolve(report.descriptors);
        else this.fail(refused('its pipes cannot be made', report.errno));
        break;
      case 'started':
        this.#onStarted(report.pid); // at once: its end may be the next report
        this.#started.resolve(report.pid);
        break;
      case 'failure':
        this.#failure = report.failure;
        break;
      case 'warning':
        this.#warnings.push(report.failure);
        break;
      case 'followUp':
        this.#followUp = report.followUp;
        break;
      case 'result':
        this.#result = report;
        break;
      case 'gone':
        if (report.pid < 0) this.fail(refused('no process can be forked', -report.pid));
        else this.#end(this.#result, report.signal);
    }
  }

  fail(error: KrunError): void {
    this.#prepared.reject(error);
    this.#started.reject(error);
    this.#outcome.reject(error);
  }

  #end(result: Pick<Outcome, 'status' | 'signal' | 'interrupted'> | null, signal: number): void {
    if (result === null) {
      this.fail(lost(signal));
      return;
    }
    const { status, signal: endedBy, interrupted } = result;
    this.#started.resolve(null);
    this.#outcome.resolve({
      status,
      signal: endedBy,
      interrupted,
      failure: this.#failure,
      warnings: this.#warnings,
      followUp: this.#followUp,
    });
  }
}

function refused(what: string, errno: number): KrunError {
  return new KrunError('E_SYSTEM', `${what}: ${errnoName(errno)}`, { errno: errnoName(errno) });
}

function lost(signal: number): KrunError {
  return new KrunError('E_LAUNCHER', `the helper of this call has been killed (signal ${signal})`, {
    hint: 'krun gc, or gc() of the instance, removes what it has left',
  });
}
