import { resolve } from 'node:path';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import type { UpdateOptions } from '../container/options.ts';
import { KrunError } from '../errors/krun-error.ts';
import { textOf } from './flag-values.ts';
import type { FlagName } from './flags.ts';
import { globalOptions } from './global-options.ts';
import { type CommandLine, type FlagValues, usageError } from './parse.ts';
import { parseBytes, parseInteger } from './quantities.ts';

type Reader = (text: string, flag: string) => unknown;

// Which property of linux.resources a flag sets.
const targets: readonly (readonly [flag: FlagName, section: string, property: string, read: Reader])[] = [
  ['blkio-weight', 'blockIO', 'weight', (text, flag) => Number(parseInteger(text, flag))],
  ['cpu-period', 'cpu', 'period', parseInteger],
  ['cpu-quota', 'cpu', 'quota', parseInteger],
  ['cpu-burst', 'cpu', 'burst', parseInteger],
  ['cpu-share', 'cpu', 'shares', parseInteger],
  ['cpu-rt-period', 'cpu', 'realtimePeriod', parseInteger],
  ['cpu-rt-runtime', 'cpu', 'realtimeRuntime', parseInteger],
  ['cpuset-cpus', 'cpu', 'cpus', (text) => text],
  ['cpuset-mems', 'cpu', 'mems', (text) => text],
  ['cpu-idle', 'cpu', 'idle', (text, flag) => Number(parseInteger(text, flag))],
  ['memory', 'memory', 'limit', parseBytes],
  ['memory-reservation', 'memory', 'reservation', parseBytes],
  ['memory-swap', 'memory', 'swap', parseBytes],
  ['pids-limit', 'pids', 'limit', parseInteger],
];

/** Throws E_USAGE when nothing is to be changed, E_NOT_YET for Intel RDT. */
export function updateOptions(caller: Caller, line: CommandLine): UpdateOptions {
  const { flags } = line;
  const id = requireContainerId(line.positionals[0] ?? '');
  const file = textOf(flags, 'resources');
  if (file !== null) {
    const resourcesFile = file === '-' ? file : resolve(caller.cwd, file);
    return { ...globalOptions(caller, line), id, resourcesFile, resources: {} };
  }
  for (const name of ['l3-cache-schema', 'mem-bw-schema'] as const)
    if (textOf(flags, name) !== null) throw new KrunError('E_NOT_YET', `update does not carry out --${name} yet`);
  return { ...globalOptions(caller, line), id, resourcesFile: null, resources: resourcesOf(flags) };
}

function resourcesOf(flags: FlagValues): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const resources: Record<string, Record<string, unknown>> = {};
  for (const [flag, section, property, read] of targets) {
    const text = textOf(flags, flag);
    if (text !== null) resources[section] = { ...resources[section], [property]: read(text, flag) };
  }
  const isObsolete = (['kernel-memory', 'kernel-memory-tcp'] as const).some((flag) => textOf(flags, flag) !== null);
  if (Object.keys(resources).length === 0 && !isObsolete) throw usageError('"update" takes at least one limit', 'krun update --help');
  return resources;
}
