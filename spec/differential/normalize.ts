// What the probe saw, as lines that can be compared between runtimes: without ids, inodes, clocks and paths of one run.
import { readlinkSync } from 'node:fs';
import type { Bundle } from '../support/bundle.ts';
import type { ProbeReport, SeenDevice, SeenMount } from '../support/probe.ts';

/** place → what is there. */
export type Sight = ReadonlyMap<string, string>;

export function normalize(report: ProbeReport, { path, id }: Bundle): Sight {
  const lines = new Map<string, string>();
  const put = (place: string, value: unknown): void => {
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
    lines.set(place, text.replaceAll(path, '<bundle>').replaceAll(`krun-${id}`, id).replaceAll(id, '<id>'));
  };
  for (const name of plain) put(name, report[name]);
  put(
    'descriptors',
    report.descriptors.map(({ fd, closeOnExec, terminal }) => `${fd}${closeOnExec ? ' cloexec' : ''}${terminal ? ' tty' : ''}`),
  );
  if (report.namespaces.pid === own('pid')) for (const name of ['pid', 'ppid', 'pgid', 'sid']) put(name, 'of the caller');
  put(
    'groups',
    [...report.groups].sort((one, other) => one - other),
  );
  put('environment', [...report.environment].sort());
  put(
    'cgroup',
    (report.cgroup ?? '').split('\n').filter((line) => line.startsWith('0::')),
  );
  put('sessionKeyring', report.sessionKeyring.description?.replace(/^.*;/, ''));
  for (const map of ['uidMap', 'gidMap'] as const) put(map, report[map]?.trim().replace(/\s+/g, ' '));
  for (const [name, value] of Object.entries(report.rlimits)) put(`rlimits/${name}`, `${value.soft} ${value.hard}`);
  for (const [type, link] of Object.entries(report.namespaces)) put(`namespaces/${type}`, link === own(type) ? 'of the caller' : 'other');
  for (const [name, device] of Object.entries(report.devices ?? {})) put(`devices/${name}`, describeDevice(device));
  for (const [place, mount] of numbered(report.mounts ?? [])) describeMount(place, mount, put);
  return lines;
}

const plain = [
  'controllingTerminal',
  'pid',
  'ppid',
  'pgid',
  'sid',
  'argv',
  'cwd',
  'umask',
  'blockedSignals',
  'ignoredSignals',
  'personality',
  'uid',
  'gid',
  'capabilities',
  'secureBits',
  'noNewPrivileges',
  'seccompMode',
  'dumpable',
  'parentDeathSignal',
  'oomScoreAdj',
  'scheduler',
  'ioPriority',
  'affinity',
  'memoryPolicy',
  'hostname',
  'domainname',
  'machine',
  'setgroups',
  'timeOffsets',
  'interfaces',
] as const satisfies readonly (keyof ProbeReport)[];

function own(type: string): string {
  return readlinkSync(`/proc/self/ns/${type}`);
}

function describeDevice(device: SeenDevice | null): string {
  if (device === null) return 'unreadable';
  const { type, major, minor, mode, uid, gid, target } = device;
  return type === 'l' ? `link to ${target}` : `${type} ${major}:${minor} ${mode.toString(8)} ${uid}:${gid}`;
}

// Of several mounts at one place each has its number, from the lowest on.
function numbered(mounts: readonly SeenMount[]): [string, SeenMount][] {
  const count = new Map<string, number>();
  return mounts.map((mount) => {
    const number = count.get(mount.destination) ?? 0;
    count.set(mount.destination, number + 1);
    return [`mounts${mount.destination}${number === 0 ? '' : ` (${number + 1})`}`, mount];
  });
}

function describeMount(place: string, mount: SeenMount, put: (place: string, value: unknown) => void): void {
  put(place, mount.type);
  put(`${place}|root`, mount.root);
  put(`${place}|source`, mount.source);
  put(`${place}|options`, [...mount.options].sort().join(','));
  put(
    `${place}|propagation`,
    mount.propagation
      .map((kind) => kind.replace(/:\d+/, ''))
      .sort()
      .join(' '),
  );
  put(
    `${place}|super`,
    mount.superOptions
      .filter((option) => !/^(errors|discard|commit)/.test(option))
      .sort()
      .join(','),
  );
}
