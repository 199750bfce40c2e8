// The flags before the command, made absolute and checked.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Caller } from '../container/caller.ts';
import type { CgroupManager, GlobalOptions, LogFormat, LogLevel, LogOptions } from '../container/options.ts';
import { isSet, textOf } from './flag-values.ts';
import { type CommandLine, type FlagValues, usageError } from './parse.ts';

/** Throws E_USAGE for a --root that cannot be one. */
export function globalOptions(caller: Caller, { globals }: CommandLine): GlobalOptions {
  return {
    root: stateRoot(caller, textOf(globals, 'root')),
    explicitRoot: globals.has('root'),
    cgroupManager: isSet(globals, 'systemd-cgroup') ? 'systemd' : (textOf(globals, 'cgroup-manager') as CgroupManager),
    rootless: textOf(globals, 'rootless') as GlobalOptions['rootless'],
    debug: isSet(globals, 'debug'),
    log: logOptions(caller, globals),
  };
}

/** Never throws: an error must be reported where the flags that could be read want it. */
export function logOptions(caller: Caller, globals: FlagValues): LogOptions {
  const file = textOf(globals, 'log');
  const isStderr = file === null || file === '' || ['/dev/stderr', '/dev/fd/2', '/proc/self/fd/2'].includes(file);
  return {
    file: isStderr ? null : resolve(caller.cwd, file),
    format: textOf(globals, 'log-format') as LogFormat,
    level: isSet(globals, 'debug') ? 'debug' : ((textOf(globals, 'log-level') as LogLevel | null) ?? (isStderr ? 'error' : 'info')),
  };
}

function stateRoot(caller: Caller, given: string | null): string {
  if (given !== null) {
    const root = resolve(caller.cwd, given);
    if (given === '' || root === '/') throw usageError('--root must not be empty or /');
    return root;
  }
  if (caller.uid === 0 && !isMappedRoot(caller)) return '/run/krun';
  const runtimeDirectory = caller.env.get('XDG_RUNTIME_DIR');
  if (runtimeDirectory?.startsWith('/')) return join(runtimeDirectory, 'krun');
  throw usageError(
    'there is no place for state: XDG_RUNTIME_DIR is not set',
    'give --root DIR, or log in through a session that sets XDG_RUNTIME_DIR',
  );
}

// Root of a user namespace that somebody else's login made (`unshare -r`, podman unshare) cannot write /run.
function isMappedRoot(caller: Caller): boolean {
  const user = caller.env.get('USER');
  if (user === undefined || user === '' || user === 'root') return false;
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
}
