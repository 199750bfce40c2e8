// The flags before the command, made absolute and checked.
import { resolve } from 'node:path';
import type { Caller } from '../container/caller.ts';
import type { CgroupManager, GlobalOptions, LogFormat, LogLevel, LogOptions } from '../container/options.ts';
import { stateRoot } from '../container/state-root.ts';
import { isSet, textOf } from './flag-values.ts';
import type { CommandLine, FlagValues } from './parse.ts';

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
