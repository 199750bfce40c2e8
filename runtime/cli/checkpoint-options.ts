// What the command lines of `checkpoint` and `restore` ask for; the flags are runc's, and two of crun's.
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import type { CheckpointOptions, RestoreOptions } from '../container/options.ts';
import { KrunError } from '../errors/krun-error.ts';
import { namespaceFlags } from '../plan/constants/namespaces.ts';
import type { CgroupsMode, CriuOptions, NetworkLock } from '../plan/criu-request.ts';
import { isSet, listOf, numberOf, textOf } from './flag-values.ts';
import type { FlagName } from './flags.ts';
import { globalOptions } from './global-options.ts';
import { type CommandLine, type FlagValues, usageError } from './parse.ts';

/** Throws E_USAGE for what does not go together. */
export function checkpointOptions(caller: Caller, line: CommandLine): CheckpointOptions {
  const { flags, positionals } = line;
  const imagePath = pathOf(caller, flags, 'image-path') ?? resolve(caller.cwd, 'checkpoint');
  requireParent(imagePath, textOf(flags, 'parent-path'));
  return {
    ...globalOptions(caller, line),
    id: requireContainerId(positionals[0] ?? ''),
    imagePath,
    workPath: pathOf(caller, flags, 'work-path') ?? imagePath,
    preDump: isSet(flags, 'pre-dump'),
    criu: criuOptions(caller, flags),
  };
}

export function restoreOptions(caller: Caller, line: CommandLine): RestoreOptions {
  const { flags, positionals } = line;
  const globals = globalOptions(caller, line);
  if (isSet(flags, 'no-pivot')) throw usageError('--no-pivot is refused: without pivot_root the host file system stays reachable');
  const imagePath = pathOf(caller, flags, 'image-path') ?? resolve(caller.cwd, 'checkpoint');
  return {
    ...globals,
    id: requireContainerId(positionals[0] ?? ''),
    bundle: pathOf(caller, flags, 'bundle') ?? caller.cwd,
    imagePath,
    workPath: pathOf(caller, flags, 'work-path') ?? imagePath,
    pidFile: pathOf(caller, flags, 'pid-file'),
    consoleSocket: pathOf(caller, flags, 'console-socket'),
    detach: isSet(flags, 'detach'),
    criu: criuOptions(caller, flags),
  };
}

function criuOptions(caller: Caller, flags: FlagValues): CriuOptions {
  return {
    leaveRunning: isSet(flags, 'leave-running'),
    tcpEstablished: isSet(flags, 'tcp-established'),
    tcpSkipInFlight: isSet(flags, 'tcp-skip-in-flight'),
    tcpClose: isSet(flags, 'tcp-close'),
    externalUnixSockets: isSet(flags, 'ext-unix-sk'),
    shellJob: isSet(flags, 'shell-job'),
    fileLocks: isSet(flags, 'file-locks'),
    linkRemap: isSet(flags, 'link-remap'),
    autoDedup: isSet(flags, 'auto-dedup'),
    lazyPages: isSet(flags, 'lazy-pages'),
    statusFd: flags.has('status-fd') ? numberOf(flags, 'status-fd') : null,
    pageServer: pageServer(textOf(flags, 'page-server')),
    emptyNamespaces: emptyNamespaces(listOf(flags, 'empty-ns')),
    cgroupsMode: (textOf(flags, 'manage-cgroups-mode') ?? 'soft') as CgroupsMode,
    networkLock: (textOf(flags, 'network-lock') as NetworkLock | null) ?? (hasIptables(caller) ? 'iptables' : 'nftables'),
    parentPath: textOf(flags, 'parent-path'),
    lsmProfile: lsmProfile(textOf(flags, 'lsm-profile')),
    lsmMountContext: textOf(flags, 'lsm-mount-context'),
  };
}

// criu looks for the parent from the images on, so that both can be moved together.
function requireParent(imagePath: string, parent: string | null): void {
  if (parent === null) return;
  if (parent === '' || parent.startsWith('/')) throw usageError('--parent-path must be relative to --image-path');
  if (statSync(resolve(imagePath, parent), { throwIfNoEntry: false })?.isDirectory() !== true)
    throw usageError(`--parent-path: there is no directory ${resolve(imagePath, parent)}`);
}

function pageServer(text: string | null): CriuOptions['pageServer'] {
  if (text === null) return null;
  const [, address = '', port = ''] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (address === '' || Number(port) < 1 || Number(port) > 65_535) throw usageError('--page-server must be ADDRESS:PORT');
  return { address, port: Number(port) };
}

function emptyNamespaces(names: readonly string[]): number {
  const unknown = names.find((name) => name !== 'network');
  if (unknown !== undefined) throw usageError(`--empty-ns ${unknown}: only the network namespace can be left empty`);
  return names.length === 0 ? 0 : Number(namespaceFlags.network);
}

function lsmProfile(text: string | null): string | null {
  if (text === null || /^(apparmor|selinux):./.test(text)) return text;
  throw usageError('--lsm-profile must be apparmor:NAME or selinux:LABEL');
}

// criu's default is iptables, which need not be installed.
function hasIptables({ env }: Caller): boolean {
  return (env.get('PATH') ?? '').split(':').some((directory) => {
    try {
      accessSync(`${directory}/iptables-restore`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function pathOf(
  caller: Caller,
  flags: FlagValues,
  name: Extract<FlagName, `${string}-path` | 'bundle' | 'pid-file' | 'console-socket'>,
): string | null {
  const path = textOf(flags, name);
  if (path === '') throw usageError(`--${name} must not be empty`);
  return path === null ? null : resolve(caller.cwd, path);
}
