// The flags of `run --image` and `bundle` → what they want of the container.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSet, listOf, textOf } from '../cli/flag-values.ts';
import { type CommandLine, usageError } from '../cli/parse.ts';
import { parseBytes, parseInteger } from '../cli/quantities.ts';
import type { Mount } from '../config/config.ts';
import type { Caller } from '../container/caller.ts';
import type { ContainerWishes } from './runtime-config.ts';

/** E_USAGE for what no flag may say. */
export function wishesOf(caller: Caller, { flags, program }: CommandLine): Omit<ContainerWishes, 'removes'> {
  const [memory, pids] = [textOf(flags, 'memory'), textOf(flags, 'pids-limit')];
  const terminals = caller.terminals[0] === true && caller.terminals[1] === true && !isSet(flags, 'detach');
  const hostMounts = textOf(flags, 'network') === 'host' ? hostNames() : [];
  return {
    program,
    entrypoint: textOf(flags, 'entrypoint'),
    env: listOf(flags, 'env').flatMap((entry) => variable(caller, entry)),
    workdir: textOf(flags, 'workdir'),
    hostname: textOf(flags, 'hostname'),
    labels: Object.fromEntries(listOf(flags, 'label').map(splitLabel)),
    readonly: isSet(flags, 'read-only'),
    terminal: isSet(flags, 'tty') || isSet(flags, 'it') || terminals,
    mounts: [...hostMounts, ...listOf(flags, 'volume').map((text) => volume(caller, text))],
    capAdd: listOf(flags, 'cap-add'),
    capDrop: listOf(flags, 'cap-drop'),
    network: textOf(flags, 'network') === 'host' ? 'host' : 'none',
    memory: memory === null ? null : parseBytes(memory, 'memory'),
    cpus: cpus(textOf(flags, 'cpus')),
    pids: pids === null ? null : parseInteger(pids, 'pids-limit'),
    rootless: caller.uid === 0 ? null : { uid: caller.uid, gid: caller.gid },
  };
}

// NAME alone hands on the caller's, if there is one.
function variable({ env }: Caller, entry: string): string[] {
  if (entry.startsWith('=') || entry === '') throw usageError(`invalid value "${entry}" for --env: must be NAME=VALUE or NAME`);
  if (entry.includes('=')) return [entry];
  const value = env.get(entry);
  return value === undefined ? [] : [`${entry}=${value}`];
}

function splitLabel(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals === 0 || text === '') throw usageError(`invalid value "${text}" for --label: must be NAME=VALUE`);
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

const volumeOptions = new Set(['ro', 'rw', 'nosuid', 'nodev', 'noexec', 'shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate']);

function volume({ cwd }: Caller, text: string): Mount {
  const [source = '', destination = '', ...rest] = text.split(':');
  const options = rest
    .join(':')
    .split(',')
    .filter((option) => option !== '');
  const wrong = options.find((option) => !volumeOptions.has(option));
  if (wrong !== undefined)
    throw usageError(`invalid value "${text}" for --volume: there is no option "${wrong}"`, `there are ${[...volumeOptions].join(', ')}`);
  if (source === '' || !destination.startsWith('/'))
    throw usageError(`invalid value "${text}" for --volume: must be SOURCE:/DIRECTORY[:OPTIONS]`);
  if (!/[./]/.test(source))
    throw usageError(`invalid value "${text}" for --volume: named volumes are not there yet`, `for the directory: ./${source}`);
  return { destination, type: 'bind', source: resolve(cwd, source), options: ['rbind', ...options] };
}

function cpus(text: string | null): number | null {
  if (text === null) return null;
  if (!/^\d{1,5}(?:\.\d{1,5})?$/.test(text) || Number(text) < 0.01)
    throw usageError(`invalid value "${text}" for --cpus: must be a number such as 1.5, at least 0.01`);
  return Number(text);
}

// In the host's network its names hold.
function hostNames(): readonly Mount[] {
  return ['/etc/resolv.conf', '/etc/hosts']
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
    .map((path) => ({ destination: path, type: 'bind', source: path, options: ['bind', 'ro'] }));
}
