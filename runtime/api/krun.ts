// The typed API: the program is the supervisor, and its launcher's children carry out what it plans. What only reads forks nothing.
import { text as collectText } from 'node:stream/consumers';
import type { FollowUp } from '../channel/decode-request.ts';
import { signalNumber } from '../cli/signals.ts';
import type { Config, Problem } from '../config/config.ts';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import { deleteContainer } from '../container/delete.ts';
import { type ContainerEvent, nextEvents } from '../container/events.ts';
import { execInContainer } from '../container/exec.ts';
import { collectGarbage } from '../container/gc.ts';
import { killContainer } from '../container/kill.ts';
import { readStates } from '../container/list.ts';
import type { CgroupManager, GlobalOptions } from '../container/options.ts';
import { pauseContainer, resumeContainer } from '../container/pause.ts';
import { pidsOf } from '../container/ps.ts';
import { readBundle } from '../container/read-bundle.ts';
import { runContainer } from '../container/run.ts';
import { readSavedConfig } from '../container/saved-config.ts';
import { startContainer } from '../container/start.ts';
import { type ShownState, showState } from '../container/state.ts';
import { stateRoot } from '../container/state-root.ts';
import { readContainer } from '../container/stored-state.ts';
import { updateContainer } from '../container/update.ts';
import { endOf, planWait } from '../container/wait.ts';
import { KrunError } from '../errors/krun-error.ts';
import { helperPath } from '../helper-path.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { endOnAbort } from './abort.ts';
import type { Call, Outcome, ProcessEnd } from './call.ts';
import { describeProgram } from './caller.ts';
import { Container } from './container.ts';
import { ContainerProcess, type PipedProcess } from './container-process.ts';
import { execRequest } from './exec-request.ts';
import { type ExitStatus, exitStatus } from './exit-status.ts';
import { finish, type Subject } from './finish.ts';
import { Launcher, type StdioTriple } from './launcher.ts';
import * as check from './options.ts';
import { runRequest } from './run-request.ts';
import { destroyStreams } from './streams.ts';

export interface KrunOptions {
  /** Where the state directories are: default /run/krun, or $XDG_RUNTIME_DIR/krun. */
  readonly root?: string;
  readonly cgroupManager?: Exclude<CgroupManager, 'systemd'>;
  /** Another bin/krun, of the same build. */
  readonly helper?: string;
  /** What is odd but no failure: a property that the runtime-spec does not know, a poststop hook that failed. Default: process.emitWarning. */
  readonly onWarning?: (warning: KrunError) => void;
}

type Verb = (caller: Caller, options: GlobalOptions & { readonly id: string }, followUp: FollowUp | null) => Plan | Promise<Plan>;

/** For calls that can be aborted; they then reject with the signal's reason. */
export interface Abortable {
  readonly signal?: AbortSignal;
}

/**
 * Containers of one state root. Every method rejects with a KrunError, told apart by its `code`: E_USAGE for options that are none,
 * E_NO_CONTAINER and its kind for an id, E_CONFIG and its kind (with `pointer`) for a configuration, E_LAUNCHER when the helper is lost.
 */
export class Krun implements AsyncDisposable {
  readonly #globals: GlobalOptions;
  readonly #launcher: Launcher;
  readonly #onWarning: (warning: KrunError) => void;
  readonly #detached = new Map<number, PromiseWithResolvers<ProcessEnd | null>>();
  readonly #ends = new Map<string, Promise<ProcessEnd | null>>();

  constructor(options: KrunOptions = {}) {
    check.checkOptions('new Krun', options, constructorChecks);
    const { root, cgroupManager = 'cgroupfs', helper = helperPath, onWarning = emitWarning } = options;
    this.#globals = {
      root: stateRoot(describeProgram(), root ?? null),
      explicitRoot: root !== undefined,
      cgroupManager,
      rootless: 'auto',
      debug: false,
      log: { file: null, format: 'text', level: 'error' },
    };
    this.#onWarning = onWarning;
    this.#launcher = new Launcher(helper, {
      onOrphan: (pid, end) => this.#endDetached(pid, end),
      onLost: () => this.#forgetDetached(),
    });
  }

  /** The absolute path of the state root. */
  get root(): string {
    return this.#globals.root;
  }

  /** Makes a container and starts it. Resolves when its process runs; standard streams are pipes unless told otherwise. */
  run(options: check.RunOptions & check.PipedStdio): Promise<PipedProcess>;
  run(options: check.RunOptions): Promise<ContainerProcess>;
  async run(options: check.RunOptions): Promise<ContainerProcess> {
    const caller = describeProgram();
    const { request, problems } = runRequest('run', options, 'attend', caller, this.#globals);
    const subject = this.#subject(caller, request.id, options.signal, configOf(request), request.bundle);
    return this.#attend(options, subject, async () => {
      const { plan, warnings } = await runContainer(caller, request);
      this.#warn([...problems, ...warnings]);
      return plan;
    });
  }

  /** Makes a container whose process waits for start(). It outlives the program; standard streams are /dev/null unless told otherwise. */
  async create(options: check.CreateOptions): Promise<Container> {
    const caller = describeProgram();
    const { request, problems } = runRequest('create', options, 'create', caller, this.#globals);
    const subject = this.#subject(caller, request.id, options.signal, configOf(request), request.bundle);
    const compile = async (): Promise<Plan> => {
      const { plan, warnings } = await runContainer(caller, request);
      this.#warn([...problems, ...warnings]);
      return announced(plan);
    };
    const call = await this.#launch(stdioOf(options, 'ignore'), compile, options, (pid) => this.#expectEnd(request.id, pid));
    const [pid] = await Promise.all([call.started, finish(call, subject)]).catch((error: unknown) => {
      destroyStreams(call.streams);
      throw error;
    });
    void this.#ends.get(request.id)?.then(call.streams.settle);
    return new Container(this, request.id, pid ?? 0, call.streams);
  }

  /** Lets the process of a created container begin. */
  async start(id: string): Promise<void> {
    await this.#perform(id, (caller, globals) => startContainer(caller, globals));
  }

  /** Runs one more process in a container. Resolves when it runs; standard streams are pipes unless told otherwise. */
  exec(id: string, options: check.ExecOptions & check.PipedStdio): Promise<PipedProcess>;
  exec(id: string, options: check.ExecOptions): Promise<ContainerProcess>;
  async exec(id: string, options: check.ExecOptions): Promise<ContainerProcess> {
    const caller = describeProgram();
    const request = execRequest(id, options, false, caller, this.#globals);
    const subject = { ...this.#subject(caller, id, options.signal), joins: true };
    return this.#attend(options, subject, () => execInContainer(caller, request));
  }

  /** The runtime-spec's state, with runc's additions. */
  async state(id: string): Promise<ShownState> {
    return showState(readContainer(this.root, requireContainerId(id)));
  }

  /** The states of all containers below the root, sorted by id; of a damaged one onWarning hears. */
  async list(): Promise<ShownState[]> {
    const { shown, damaged } = readStates(this.root);
    for (const error of damaged) this.#onWarning(error);
    return [...shown];
  }

  /** Sends a signal to a container's first process. */
  async kill(id: string, signal: check.SignalName = 'SIGTERM'): Promise<void> {
    const number = signalNumber(String(signal));
    await this.#perform(id, (caller, globals) => killContainer(caller, { ...globals, signal: number, all: false }));
  }

  /** Stops every process of a container where it stands. */
  async pause(id: string): Promise<void> {
    await this.#perform(id, (caller, globals) => pauseContainer(caller, globals));
  }

  async resume(id: string): Promise<void> {
    await this.#perform(id, (caller, globals) => resumeContainer(caller, globals));
  }

  /** Changes limits: linux.resources of config.json, as far as they are given. When one is refused, none is changed. */
  async update(id: string, resources: NonNullable<NonNullable<check.ConfigInput['linux']>['resources']>): Promise<void> {
    if (check.object(resources) !== null) throw check.usage('update: the resources must be an object, like linux.resources of config.json');
    const tell = (warnings: readonly Problem[]): Plan => {
      this.#warn(warnings);
      return [];
    };
    await this.#perform(id, (caller, globals, followUp) =>
      updateContainer(caller, { ...globals, resourcesFile: null, resources }, followUp, tell),
    );
  }

  /** Removes what is left of a container that has ended; with `force` a running one too, and one that is not there is no error. */
  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    check.checkOptions('delete', options, { force: check.flag });
    await this.#perform(id, (caller, globals) => deleteContainer(caller, { ...globals, force: options.force ?? false }));
    this.#ends.delete(id);
  }

  /**
   * Waits until a container's first process has ended. null when its status is not to be known: it is of what this instance has made, and
   * of others from Linux 6.15 on, or as long as their parent has not reaped them.
   */
  async wait(id: string, options: Abortable = {}): Promise<ExitStatus | null> {
    check.checkOptions('wait', options, { signal: check.abortSignal });
    const own = this.#ends.get(requireContainerId(id));
    const end = own === undefined ? null : await this.#launcher.keepAlive(orAborted(own, options.signal));
    if (end !== null) return exitStatus(end);
    const plan = planWait({ ...this.#globals, id: requireContainerId(id) });
    if (plan.length === 0) return null;
    const { followUp } = await this.#carryOut(plan, this.#subject(describeProgram(), id, options.signal));
    const seen = followUp === null ? null : endOf(followUp);
    return seen === null ? null : exitStatus(seen);
  }

  /** The pids of a container's processes, as the program sees them; none once it has ended. */
  async processes(id: string): Promise<number[]> {
    return pidsOf({ ...this.#globals, id: requireContainerId(id) }) ?? [];
  }

  /** The statistics of a container's cgroup; what the host does not tell is left out. */
  async stats(id: string): Promise<(ContainerEvent & { readonly type: 'stats' })['data']> {
    const { events } = nextEvents({ ...this.#globals, id: requireContainerId(id), stats: true, interval: 0 }, null);
    const [event] = events;
    if (event?.type !== 'stats') throw new KrunError('E_INTERNAL', 'there are no statistics');
    return event.data;
  }

  /** Statistics at each interval (milliseconds, default 5000) and kills for want of memory, until the container has ended. */
  async *events(id: string, options: Abortable & { readonly interval?: number } = {}): AsyncGenerator<ContainerEvent, void, void> {
    check.checkOptions('events', options, { signal: check.abortSignal, interval: check.milliseconds });
    const { interval = 5000, signal } = options;
    const request = { ...this.#globals, id: requireContainerId(id), stats: false, interval };
    let next = nextEvents(request, null);
    for (;;) {
      yield* next.events;
      signal?.throwIfAborted();
      if (next.plan.length === 0) return;
      const { followUp } = await this.#carryOut(next.plan, this.#subject(describeProgram(), id, signal));
      next = nextEvents(request, followUp);
    }
  }

  /** Removes what crashes and reboots have left behind, of one container or of all; says what, a line each. */
  async gc(id?: string): Promise<string[]> {
    const caller = describeProgram();
    const plan = await collectGarbage(caller, { ...this.#globals, id: id === undefined ? null : requireContainerId(id) });
    if (plan.length === 0) return [];
    const call = await this.#launch(['ignore', 'pipe', 'ignore'], () => plan, {});
    const { stdout } = call.streams;
    const [said] = await Promise.all([
      stdout === null ? '' : collectText(stdout),
      finish(call, this.#subject(caller, id ?? '', undefined)),
    ]);
    return said.split('\n').filter((line) => line !== '');
  }

  /** Kills what this instance attends to (run, exec), and resolves when all is cleared up. Created containers stay. */
  async close(): Promise<void> {
    await this.#launcher.close();
    this.#forgetDetached();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #attend(options: check.ProcessOptions, subject: Subject, compile: () => Promise<Plan>): Promise<ContainerProcess> {
    const call = await this.#launch(stdioOf(options, 'pipe'), async () => announced(await compile()), options);
    const ended = finish(call, subject).finally(call.streams.settle).then(exitStatus);
    const pid = await call.started.catch(() => null);
    if (pid !== null && options.signal?.aborted !== true) return new ContainerProcess(subject.id, pid, call, ended);
    const end = await ended.finally(() => destroyStreams(call.streams));
    throw new KrunError('E_INTERNAL', `the process has ended with ${end.status} before it was announced`);
  }

  /** A verb without a process of its own; a plan may ask further. */
  async #perform(id: string, compile: Verb, { signal }: Abortable = {}): Promise<void> {
    const caller = describeProgram();
    const globals = { ...this.#globals, id: requireContainerId(id) };
    let followUp: FollowUp | null = null;
    do {
      const plan = await compile(caller, globals, followUp);
      if (plan.length === 0) return;
      ({ followUp } = await this.#carryOut(plan, this.#subject(caller, id, signal)));
    } while (followUp !== null);
  }

  async #carryOut(plan: Plan, subject: Subject): Promise<Outcome> {
    const abortable = subject.signal === undefined ? {} : { signal: subject.signal };
    return finish(await this.#launch(['ignore', 'ignore', 'ignore'], () => plan, abortable), subject);
  }

  async #launch(
    stdio: StdioTriple,
    compile: () => Plan | Promise<Plan>,
    options: check.ProcessOptions,
    onStarted?: (pid: number) => void,
  ): Promise<Call> {
    if (options.stopSignal !== undefined) signalNumber(String(options.stopSignal));
    options.signal?.throwIfAborted();
    const call = await this.#launcher.launch(stdio, compile, onStarted);
    endOnAbort(call, options);
    return call;
  }

  #subject(caller: Caller, id: string, signal: AbortSignal | undefined, config?: () => unknown, bundle = caller.cwd): Subject {
    const { root } = this;
    return {
      root,
      id,
      uid: caller.uid,
      bundle,
      config: config ?? (() => readSavedConfig(root, id)),
      joins: false,
      signal,
      onWarning: this.#onWarning,
    };
  }

  #warn(problems: readonly { readonly message: string; readonly pointer: string }[]): void {
    for (const { message, pointer } of problems) this.#onWarning(new KrunError('E_CONFIG', message, { pointer }));
  }

  // The launcher adopts what create leaves behind, and is told how it ends.
  #expectEnd(id: string, pid: number): void {
    const end = Promise.withResolvers<ProcessEnd | null>();
    this.#detached.set(pid, end);
    this.#ends.set(id, end.promise);
  }

  #endDetached(pid: number, end: ProcessEnd): void {
    this.#detached.get(pid)?.resolve(end);
    this.#detached.delete(pid);
  }

  // They go on, but nobody will tell how they end.
  #forgetDetached(): void {
    for (const detached of this.#detached.values()) detached.resolve(null);
    this.#detached.clear();
  }
}

const constructorChecks = {
  root: check.path,
  cgroupManager: check.oneOf('cgroupfs', 'disabled'),
  helper: check.path,
  onWarning: (value: unknown) => (typeof value === 'function' ? null : 'a function'),
} as const;

function emitWarning({ message, code, pointer }: KrunError): void {
  process.emitWarning(pointer ? `${message} (config.json#${pointer})` : message, { type: 'KrunWarning', code });
}

function stdioOf({ stdin, stdout, stderr }: check.StdioOptions, standard: check.Stdio): StdioTriple {
  return [stdin ?? standard, stdout ?? standard, stderr ?? standard];
}

function configOf({ config, bundle }: { readonly config: Config | null; readonly bundle: string }): () => unknown {
  return () => config ?? readBundle(bundle).config;
}

/** The plan that tells its process' pid once all is done but waiting for it, or leaving it behind. */
function announced(plan: Plan): Plan {
  const announce: Op = { op: 'announce', pointer: '' };
  const last = plan.findIndex(({ op }) => op === 'wait' || op === 'relay' || op === 'releaseInit');
  return last < 0 ? plan : plan.toSpliced(last, 0, announce);
}

function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
