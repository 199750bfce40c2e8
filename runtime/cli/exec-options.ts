// What `exec` is to run, and how: its flags, checked. A number is never read as a name, nor cut to size (CVE-2016-3697, CVE-2024-40635).
import { resolve } from 'node:path';
import { capabilityNames } from '../config/capabilities.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import type { ExecOptions, ProcessChanges } from '../container/options.ts';
import { isSet, listOf, numberOf, textOf } from './flag-values.ts';
import type { FlagName } from './flags.ts';
import { globalOptions } from './global-options.ts';
import { type CommandLine, type FlagValues, usageError } from './parse.ts';

/** Throws E_USAGE, E_BAD_ID. */
export function execOptions(caller: Caller, line: CommandLine): ExecOptions {
  const { flags } = line;
  const [id = '', ...rest] = line.positionals;
  const args = rest[0] === '--' ? rest.slice(1) : rest;
  const processFile = pathOf(caller, flags, 'process');
  if (processFile === null) requireProgram(args);
  else refuseBeside(flags, args);
  return {
    ...globalOptions(caller, line),
    id: requireContainerId(id),
    processFile,
    changes: changesOf(flags, args),
    detach: isSet(flags, 'detach'),
    pidFile: pathOf(caller, flags, 'pid-file'),
    consoleSocket: pathOf(caller, flags, 'console-socket'),
    pidfdSocket: pathOf(caller, flags, 'pidfd-socket'),
    preserveFds: numberOf(flags, 'preserve-fds'),
    cgroup: cgroupOf(flags),
    ignorePaused: isSet(flags, 'ignore-paused'),
  };
}

function requireProgram([program]: readonly string[]): void {
  if (program === undefined) throw usageError('process args cannot be empty: "exec" takes an ID and a program', usage);
  if (program === '') throw usageError('the program must have a name', usage);
}

const usage = 'krun exec ID PROGRAM [ARGUMENT…], or krun exec --process FILE ID';
const inFile: readonly FlagName[] = ['cwd', 'env', 'user', 'additional-gids', 'cap', 'no-new-privs', 'apparmor', 'process-label'];

// The file is the whole process: what stands beside it would have no effect.
function refuseBeside(flags: FlagValues, args: readonly string[]): void {
  const stray = inFile.find((name) => flags.has(name));
  if (stray !== undefined) throw usageError(`--${stray} has no effect with --process: the file holds the whole process`);
  if (args.length > 0) throw usageError('a program has no place beside --process: the file holds the whole process');
}

function changesOf(flags: FlagValues, args: readonly string[]): ProcessChanges {
  return {
    args,
    cwd: cwdOf(flags),
    env: listOf(flags, 'env').map(requireVariable),
    terminal: isSet(flags, 'tty'),
    ...userOf(textOf(flags, 'user')),
    additionalGids: listOf(flags, 'additional-gids').map((text) => idOf(text, '--additional-gids')),
    capabilities: listOf(flags, 'cap').map(requireCapability),
    noNewPrivileges: flags.has('no-new-privs') ? isSet(flags, 'no-new-privs') : null,
    apparmorProfile: textOf(flags, 'apparmor') || null,
    selinuxLabel: textOf(flags, 'process-label') || null,
  };
}

function cwdOf(flags: FlagValues): string | null {
  const cwd = textOf(flags, 'cwd') || null;
  if (cwd !== null && !cwd.startsWith('/')) throw usageError(`--cwd must be an absolute path in the container, not "${cwd}"`);
  return cwd;
}

// Its value may be a secret and is not repeated.
function requireVariable(entry: string): string {
  if (entry.indexOf('=') < 1) throw usageError('--env must be of the form NAME=value');
  return entry;
}

// UID or UID:GID; without a group that of the container's process stays.
function userOf(user: string | null): Pick<ProcessChanges, 'uid' | 'gid'> {
  if (user === null || user === '') return { uid: null, gid: null };
  const [uid = '', gid, ...more] = user.split(':');
  if (more.length > 0) throw usageError(`--user must be UID or UID:GID, not "${user}"`);
  return { uid: idOf(uid, '--user'), gid: gid === undefined ? null : idOf(gid, '--user') };
}

// (uid_t)-1 means "leave it" to the kernel.
const largestId = 0xffff_fffe;

function idOf(text: string, flag: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= largestId) return Number(text);
  throw usageError(`${flag} takes numbers from 0 to ${largestId}, not "${text}"`, 'names are not looked up in the container');
}

function requireCapability(name: string): string {
  if ((capabilityNames as readonly string[]).includes(name)) return name;
  const nearest = nearestName(name, capabilityNames);
  throw usageError(`--cap must be a capability, not "${name}"`, nearest === undefined ? undefined : `did you mean ${nearest}?`);
}

function cgroupOf(flags: FlagValues): string | null {
  const paths = listOf(flags, 'cgroup');
  if (paths.length > 1) throw usageError('--cgroup may stand once: cgroup v2 has all controllers in one hierarchy');
  return paths[0] ?? null;
}

function pathOf(caller: Caller, flags: FlagValues, name: 'process' | 'pid-file' | 'console-socket' | 'pidfd-socket'): string | null {
  const path = textOf(flags, name);
  if (path === '') throw usageError(`--${name} must not be empty`);
  return path === null ? null : resolve(caller.cwd, path);
}
