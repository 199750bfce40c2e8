// The options of run() and create() → what runContainer takes.
import { resolve } from 'node:path';
import { rootfsConfig } from '../cli/rootfs-config.ts';
import { type Config, type Problem, throwProblems, validateConfig } from '../config/config.ts';
import type { Caller } from '../container/caller.ts';
import { makeContainerId, requireContainerId } from '../container/container-id.ts';
import type { GlobalOptions, OverlayOptions, RunOptions as Request } from '../container/options.ts';
import { checkOptions, flag, object, path, processChecks, type RunOptions, text, texts, usage } from './options.ts';

export interface RunRequest {
  readonly request: Request & { readonly id: string };
  /** What is odd about a configuration that was given as an object. */
  readonly problems: readonly Problem[];
}

/** Throws E_USAGE for options that do not go together, E_BAD_ID, E_CONFIG and its kind for a configuration that is none. */
export function runRequest(call: string, options: RunOptions, mode: Request['mode'], caller: Caller, globals: GlobalOptions): RunRequest {
  checkOptions(call, options, checks);
  const { id, pidFile, consoleSocket, pidfdSocket, ephemeral = false, noNewKeyring = false, init = false } = options;
  const { bundle, config, problems } = subjectOf(call, options, caller);
  const request = {
    ...globals,
    id: id === undefined ? makeContainerId() : requireContainerId(id),
    bundle,
    config,
    pidFile: pathOf(caller, pidFile),
    consoleSocket: pathOf(caller, consoleSocket),
    pidfdSocket: pathOf(caller, pidfdSocket),
    preserveFds: 0,
    ephemeral,
    overlay: overlayOf(call, options, caller),
    noNewKeyring,
    noSubreaper: false,
    init,
    keep: false,
    printId: false,
    mode,
  };
  return { request, problems };
}

const checks = {
  ...processChecks,
  id: text,
  bundle: path,
  rootfs: path,
  args: texts,
  config: object,
  ephemeral: flag,
  overlay: object,
  noNewKeyring: flag,
  init: flag,
} as const;

type Subject = { readonly bundle: string; readonly config: Config | null; readonly problems: readonly Problem[] };

function subjectOf(call: string, options: RunOptions, caller: Caller): Subject {
  const { bundle, rootfs, args, config } = options;
  const directory = pathOf(caller, bundle) ?? caller.cwd;
  if (bundle === undefined && rootfs === undefined && config === undefined) throw usage(`${call}: give a bundle, a rootfs or a config`);
  if (bundle !== undefined && rootfs !== undefined) throw usage(`${call}: bundle and rootfs exclude each other`);
  if (args !== undefined && (rootfs === undefined || config !== undefined))
    throw usage(`${call}: args go with a rootfs alone: a configuration names its own in process.args`);
  if (config !== undefined)
    return { bundle: directory, ...checked(rootfs === undefined ? config : withRoot(config, resolve(caller.cwd, rootfs))) };
  if (rootfs === undefined) return { bundle: directory, config: null, problems: [] };
  if (args === undefined || args.length === 0) throw usage(`${call}: a rootfs needs args, the program to run in it`);
  const terminals = [options.stdin, options.stdout].map((kind, index) => kind === 'inherit' && caller.terminals[index] === true);
  const isReadonly = options.ephemeral !== true && options.overlay?.upper === undefined;
  const made = rootfsConfig({ rootfs: resolve(caller.cwd, rootfs), program: args, isReadonly, caller: { ...caller, terminals } });
  return { bundle: caller.cwd, config: made, problems: [] };
}

function withRoot(config: object, rootfs: string): object {
  return { ...config, root: { ...('root' in config && typeof config.root === 'object' ? config.root : {}), path: rootfs } };
}

function checked(value: object): Pick<Subject, 'problems'> & { readonly config: Config | null } {
  const { config, problems } = validateConfig(value);
  throwProblems(problems);
  return { config: config ?? null, problems };
}

function overlayOf(call: string, { overlay, ephemeral }: RunOptions, caller: Caller): OverlayOptions | null {
  if (overlay === undefined) return null;
  checkOptions(`${call}: overlay`, overlay, { lowers: texts, upper: path, work: path });
  const { lowers = [], upper = null, work = null } = overlay;
  if ((upper === null) !== (work === null)) throw usage(`${call}: overlay.upper and overlay.work need each other`);
  if (upper !== null && ephemeral === true) throw usage(`${call}: ephemeral and overlay.upper exclude each other`);
  const absolute = (directory: string) => resolve(caller.cwd, directory);
  return { lowers: lowers.map(absolute), upper: upper && absolute(upper), work: work && absolute(work) };
}

function pathOf(caller: Caller, given: string | undefined): string | null {
  return given === undefined ? null : resolve(caller.cwd, given);
}
