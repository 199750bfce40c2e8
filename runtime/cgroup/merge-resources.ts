// `update`: the limits that are in force and those that are to change → the limits from then on. Nothing is checked here: the result is,
// as whole, by the schema of linux.resources, since swap belongs to limit and burst to quota.
import type { Resources } from '../config/config.ts';

type Raw = Readonly<Record<string, unknown>>;

/** 0 and null say "leave it", as engines write them. Device rules are never changed. */
export function mergeResources(saved: Resources, change: Raw): Raw {
  const { memory, cpu, blockIO, hugepageLimits, rdma, unified, pids, devices: _, ...others } = change;
  return {
    ...saved,
    ...others,
    ...section('memory', saved.memory, memory, mergeMemory),
    ...section('cpu', saved.cpu, cpu, mergeCpu),
    ...section('blockIO', saved.blockIO, blockIO, mergeBlockIo),
    ...section('pids', saved.pids, pids, (now, next) => ({ ...now, ...next })),
    ...section('rdma', saved.rdma, rdma, mergeRdma),
    ...section('unified', saved.unified, unified, (now, next) => ({ ...now, ...next })),
    ...(hugepageLimits == null ? {} : { hugepageLimits: upsert(saved.hugepageLimits, hugepageLimits, ({ pageSize }) => String(pageSize)) }),
  };
}

/** What of the merged limits must be written for this change; what it does not touch is left as the kernel has it. */
export function touchedResources(merged: Resources, change: Raw): Resources {
  const { memory, pids, cpu, blockIO, hugepageLimits, rdma, unified } = merged;
  const names = (value: unknown): Set<string> => new Set(isObject(value) ? Object.keys(value).filter((name) => !isUnset(value[name])) : []);
  const [inCpu, inRdma, inUnified] = [names(change.cpu), names(change.rdma), names(change.unified)];
  const sizes = new Set(listOf(change.hugepageLimits).map(({ pageSize }) => String(pageSize)));
  return {
    ...(memory !== undefined && names(change.memory).size > 0 ? { memory } : {}),
    ...(pids !== undefined && isObject(change.pids) ? { pids } : {}),
    ...(cpu !== undefined && isObject(change.cpu) ? { cpu: touchedCpu(cpu, inCpu) } : {}),
    ...(blockIO !== undefined && isObject(change.blockIO) ? { blockIO: touchedBlockIo(blockIO, change.blockIO) } : {}),
    ...(hugepageLimits === undefined ? {} : { hugepageLimits: hugepageLimits.filter(({ pageSize }) => sizes.has(pageSize)) }),
    ...(rdma === undefined ? {} : { rdma: pick(rdma, inRdma) }),
    ...(unified === undefined ? {} : { unified: pick(unified, inUnified) }),
  };
}

// No limit of memory would be of no use with the old one of memory and swap.
function mergeMemory(saved: Raw, change: Raw): Raw {
  const set = withoutUnset(change);
  return { ...saved, ...set, ...(isMinusOne(set.limit) && set.swap === undefined ? { swap: -1n } : {}) };
}

// While a cgroup is idle the kernel takes no weight; 0 as a burst means none, all others "leave it".
function mergeCpu(saved: Raw, change: Raw): Raw {
  const { shares, ...rest } = saved;
  const set = { ...withoutUnset(change), ...given(change, 'burst'), ...given(change, 'idle') };
  return set.idle !== undefined && set.shares === undefined ? { ...rest, ...set } : { ...saved, ...set };
}

const devices = [
  'weightDevice',
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const;

function mergeBlockIo(saved: Raw, change: Raw): Raw {
  const lists = devices.filter((name) => change[name] != null).map((name) => [name, upsert(saved[name], change[name], device)]);
  return { ...saved, ...withoutUnset(change), ...Object.fromEntries(lists) };
}

function mergeRdma(saved: Raw, change: Raw): Raw {
  const merged = Object.entries(change).map(([name, limit]) => [name, isObject(limit) ? { ...asObject(saved[name]), ...limit } : limit]);
  return { ...saved, ...Object.fromEntries(merged) };
}

function touchedCpu(cpu: NonNullable<Resources['cpu']>, names: ReadonlySet<string>): NonNullable<Resources['cpu']> {
  const groups = [['quota', 'period', 'burst'], ['shares', 'idle'], ['cpus'], ['mems']];
  const touched = new Set(groups.filter((group) => group.some((name) => names.has(name))).flat());
  return pick(cpu, touched);
}

function touchedBlockIo(blockIO: NonNullable<Resources['blockIO']>, change: Raw): NonNullable<Resources['blockIO']> {
  const lists = devices.map((name) => {
    const named = new Set(listOf(change[name]).map(device));
    return [name, (blockIO[name] ?? []).filter((entry) => named.has(device(entry)))];
  });
  const weight = isUnset(change.weight) || blockIO.weight === undefined ? {} : { weight: blockIO.weight };
  return { ...weight, ...Object.fromEntries(lists) };
}

function section(name: string, saved: unknown, change: unknown, merge: (saved: Raw, change: Raw) => Raw): Raw {
  if (change === undefined || change === null) return {};
  return { [name]: isObject(change) ? merge(asObject(saved), change) : change }; // what is no object the schema refuses
}

// An entry of the same key takes the place of the saved one.
function upsert(saved: unknown, change: unknown, key: (entry: Raw) => string): unknown {
  if (!Array.isArray(change)) return change;
  const changed = new Set(change.map((entry) => key(asObject(entry))));
  return [...listOf(saved).filter((entry) => !changed.has(key(entry))), ...change];
}

function device({ major, minor }: Raw): string {
  return `${major}:${minor}`;
}

function given(values: Raw, name: string): Raw {
  return values[name] === undefined || values[name] === null ? {} : { [name]: values[name] };
}

function withoutUnset(values: Raw): Raw {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !isUnset(value) && value !== 0 && value !== 0n));
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null;
}

function isMinusOne(value: unknown): boolean {
  return value === -1 || value === -1n;
}

function pick<T extends object>(values: T, names: ReadonlySet<string>): T {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name))) as T;
}

function listOf(value: unknown): Raw[] {
  return Array.isArray(value) ? value.map(asObject) : [];
}

function asObject(value: unknown): Raw {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
