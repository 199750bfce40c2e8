import { resolve } from 'node:path';
import type { Config, Process } from '../config/config.ts';
import type { Problem } from '../config/problem.ts';
import { clock } from '../host/clock.ts';
import { readHostFacts } from '../host/facts.ts';
import { layeredRoot } from '../overlay/layered-root.ts';
import type { CgroupPlan } from '../plan/cgroup-plan.ts';
import { compilePlan, type StateFile } from '../plan/compile.ts';
import { planIntelRdt } from '../plan/intel-rdt.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { print } from '../plan/print.ts';
import { compileCachedSeccomp } from './cached-seccomp.ts';
import type { Caller } from './caller.ts';
import { makeContainerId } from './container-id.ts';
import { countListenFds, listenVariables } from './listen-fds.ts';
import type { RunOptions } from './options.ts';
import { readBundle, requireRunnable } from './read-bundle.ts';
import { savedConfigFile } from './saved-config.ts';
import { bootId, creatingFileName, gateFileNames, initFileName, type StoredState, stateFileName } from './stored-state.ts';

export interface PlannedRun {
  readonly plan: Plan;
  /** What is odd about the configuration, for the log. */
  readonly warnings: readonly Problem[];
}

/** Makes a container, starts it and waits for it, or leaves out the latter (runtime.md#lifecycle). Throws what is wrong with the bundle. */
export async function runContainer(caller: Caller, options: RunOptions): Promise<PlannedRun> {
  const { config: given, warnings } = options.config === null ? readBundle(options.bundle) : { config: options.config, warnings: [] };
  const config = requireRunnable(given);
  const id = options.id ?? makeContainerId();
  const facts = readHostFacts(caller);
  const rootfs = resolve(options.bundle, config.root?.path ?? '');
  const listenFds = countListenFds(caller);
  const manager =
    options.cgroupManager === 'systemd'
      ? (await import('../plan/scope.ts')).planScope(config, { id, root: options.root }, facts)
      : options.cgroupManager;
  const plan = compilePlan({
    config: listenFds === 0 ? config : withVariables(config, listenVariables(listenFds)),
    id,
    bundle: options.bundle,
    layers: layeredRoot(rootfs, options),
    seccomp: await compileCachedSeccomp(config.linux?.seccomp, facts, options.root),
    facts,
    cgroupManager: manager,
    rootless: options.rootless,
    preserveFds: listenFds + options.preserveFds,
    noNewKeyring: options.noNewKeyring,
    init: options.init,
    noSubreaper: options.noSubreaper,
    pidFile: options.pidFile,
    mode: options.mode,
    consoleSocket: options.consoleSocket,
    pidfdSocket: options.pidfdSocket,
    keep: options.keep,
    state: {
      root: options.root,
      creatingFile: creatingFileName,
      initFile: initFileName,
      gate: gateFileNames,
      files: (cgroup) =>
        makeStateFiles({
          config,
          id,
          rootfs,
          cgroup,
          resctrlGroups: planIntelRdt(config, id, facts).groups,
          caller,
          bundle: options.bundle,
          noNewKeyring: options.noNewKeyring,
        }),
    },
  });
  return {
    plan: [...(options.printId ? [print(1, `${id}\n`)] : []), ...plan],
    warnings: [...warnings, ...(typeof manager === 'object' ? manager.warnings : [])],
  };
}

function withVariables(config: Runnable, variables: readonly string[]): Runnable {
  return { ...config, process: { ...config.process, env: [...(config.process.env ?? []), ...variables] } };
}

type Runnable = Config & { readonly process: Process };

export interface StateSource {
  readonly config: Config & { readonly process: Process };
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly cgroup: Pick<CgroupPlan, 'cgroup' | 'unit'>;
  readonly resctrlGroups?: readonly string[];
  readonly noNewKeyring?: boolean;
  readonly caller: Caller;
}

/** The first says what the container is and what goes with it, and comes before all that is made. */
export function makeStateFiles(source: StateSource): [StateFile, ...StateFile[]] {
  const { config, id, bundle, rootfs, cgroup, resctrlGroups = [], noNewKeyring = false, caller } = source;
  const state: StoredState = {
    ociVersion: config.ociVersion,
    id,
    bundle,
    rootfs,
    created: clock.now().toISOString(),
    annotations: config.annotations ?? {},
    owner: caller.uid,
    bootId: bootId(),
    cgroup: cgroup.cgroup,
    ...(cgroup.unit === null ? {} : { systemd: cgroup.unit }),
    ...(resctrlGroups.length > 0 ? { resctrlGroups } : {}),
    ...(noNewKeyring ? { noNewKeyring: true } : {}),
  };
  return [{ name: stateFileName, content: new TextEncoder().encode(JSON.stringify(state)) }, savedConfigFile(config)];
}
