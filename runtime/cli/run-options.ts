// What `run` is to start: a bundle by id or by path, or a directory and a program; and how.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import type { OverlayOptions, RunOptions } from '../container/options.ts';
import { isSet, listOf, numberOf, textOf } from './flag-values.ts';
import { globalOptions } from './global-options.ts';
import { type CommandLine, type FlagValues, usageError } from './parse.ts';

/** What the command line of `run` or `create` asks for; E_USAGE when it cannot be had. */
export async function runOptions(caller: Caller, line: CommandLine): Promise<RunOptions> {
  const { flags } = line;
  refuseUnsupported(flags);
  const globals = globalOptions(caller, line);
  return {
    ...globals,
    ...(await subject(caller, line)),
    pidFile: pathOf(caller, flags, 'pid-file'),
    consoleSocket: pathOf(caller, flags, 'console-socket'),
    pidfdSocket: pathOf(caller, flags, 'pidfd-socket'),
    preserveFds: numberOf(flags, 'preserve-fds'),
    ephemeral: isSet(flags, 'ephemeral'),
    overlay: overlayOptions(caller, flags),
    noNewKeyring: isSet(flags, 'no-new-keyring'),
    noSubreaper: isSet(flags, 'no-subreaper'),
    init: isSet(flags, 'init'),
    keep: isSet(flags, 'keep'),
    printId: isSet(flags, 'print-id'),
    mode: line.command === 'create' ? 'create' : isSet(flags, 'detach') ? 'detach' : 'attend',
  };
}

export type Subject = Pick<RunOptions, 'id' | 'bundle' | 'config'>;

/** Which container is meant. Three forms: `run [-b BUNDLE] ID` as runc has it, `run BUNDLE`, `run --rootfs DIR [ID] -- PROGRAM…`. */
export async function subject(caller: Caller, line: CommandLine): Promise<Subject> {
  const { flags, positionals, program } = line;
  const [name] = positionals;
  const bundle = pathOf(caller, flags, 'bundle');
  if (textOf(flags, 'rootfs') !== null) return withoutBundle(caller, line);
  if (program !== null) throw usageError('a program after -- needs --rootfs DIR: a bundle names its own in config.json');
  if (name === undefined) {
    if (bundle === null) throw usageError('"run" takes an ID, a BUNDLE, or --rootfs DIR -- PROGRAM', 'krun run --help');
    return { id: null, bundle, config: null };
  }
  if (line.command !== 'create' && bundle === null && isBundle(caller.cwd, name))
    return { id: null, bundle: resolve(caller.cwd, name), config: null };
  return { id: requireContainerId(name), bundle: bundle ?? caller.cwd, config: null };
}

// An id has no slash. Otherwise runc's form wins: only outside of a bundle can a mere name be a directory that is one.
function isBundle(cwd: string, name: string): boolean {
  if (name.includes('/') || name === '.' || name === '..') return true;
  return !hasConfig(cwd) && hasConfig(join(cwd, name));
}

function hasConfig(directory: string): boolean {
  return existsSync(join(directory, 'config.json'));
}

async function withoutBundle(caller: Caller, { flags, positionals, program }: CommandLine): Promise<Subject> {
  if (textOf(flags, 'bundle') !== null) throw usageError('--rootfs and --bundle exclude each other');
  if (program === null || program.length === 0) throw usageError('--rootfs needs a program: krun run --rootfs DIR -- PROGRAM…');
  const rootfs = pathOf(caller, flags, 'rootfs') ?? caller.cwd;
  const { rootfsConfig } = await import('./rootfs-config.ts');
  const [id] = positionals;
  return {
    id: id === undefined ? null : requireContainerId(id),
    bundle: caller.cwd,
    config: rootfsConfig({ rootfs, program, isReadonly: !isWritable(flags), caller }),
  };
}

// Without a layer above it, the directory is the user's own: nothing writes to it unasked.
function isWritable(flags: FlagValues): boolean {
  return isSet(flags, 'ephemeral') || textOf(flags, 'overlay-upper') !== null;
}

function overlayOptions(caller: Caller, flags: FlagValues): OverlayOptions | null {
  const lowers = listOf(flags, 'overlay-lower').map((directory) => resolve(caller.cwd, directory));
  const upper = pathOf(caller, flags, 'overlay-upper');
  const work = pathOf(caller, flags, 'overlay-work');
  if ((upper === null) !== (work === null)) throw usageError('--overlay-upper and --overlay-work need each other');
  if (upper !== null && isSet(flags, 'ephemeral')) throw usageError('--ephemeral and --overlay-upper exclude each other');
  return lowers.length === 0 && upper === null ? null : { lowers, upper, work };
}

function pathOf(
  caller: Caller,
  flags: FlagValues,
  name: 'bundle' | 'pid-file' | 'console-socket' | 'pidfd-socket' | 'rootfs' | 'overlay-upper' | 'overlay-work',
): string | null {
  const path = textOf(flags, name);
  if (path === '') throw usageError(`--${name} must not be empty`);
  return path === null ? null : resolve(caller.cwd, path);
}

function refuseUnsupported(flags: FlagValues): void {
  if (isSet(flags, 'no-pivot'))
    throw usageError(
      '--no-pivot is refused: without pivot_root the host file system stays reachable',
      'put the root file system on a mount of its own instead of the initramfs',
    );
}
