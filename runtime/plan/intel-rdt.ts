import type { Config } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { HostFacts } from './host-facts.ts';
import type { Op } from './ops.ts';

export interface IntelRdtPlan {
  /** Before the clone. */
  readonly create: readonly Op[];
  /** In the helper, after the clone: before init goes on. */
  readonly join: readonly Op[];
  /** The groups that go with the container, in this order. */
  readonly groups: readonly string[];
}

const none: IntelRdtPlan = { create: [], join: [], groups: [] };
const pointer = '/linux/intelRdt';

/** linux.intelRdt (config-linux.md#intelrdt) as directories of resctrl. Throws E_RDT where that is not mounted or does not fit. */
export function planIntelRdt({ linux }: Pick<Config, 'linux'>, id: string, facts: Pick<HostFacts, 'resctrl'>): IntelRdtPlan {
  const rdt = linux?.intelRdt;
  if (rdt === undefined) return none;
  const { mountpoint, schemataOf } = requireResctrl(facts);
  const name = rdt.closID ?? id;
  const path = name === '/' ? mountpoint : `${mountpoint}/${name}`;
  const wanted = schemaOf(rdt);
  const current = schemataOf(path);
  const isOurs = rdt.closID === undefined;
  if (!isOurs && current !== null && wanted !== '') requireSame(current, wanted);
  if (!isOurs && current === null && wanted === '')
    throw refuse('/closID', `there is no class of service ${JSON.stringify(name)}`, 'make it first, or give a schema for it');
  const isMade = isOurs || current === null;
  const monitor = rdt.enableMonitoring === true ? `${path}/mon_groups/${id}` : null;
  return {
    create: [
      ...(isMade ? makeGroup(path, 'resctrl', isOurs) : [{ op: 'openResctrlGroup', pointer, path, group: 'resctrl' } as const]),
      ...(isMade && wanted !== '' ? [{ op: 'writeSchemata', pointer, group: 'resctrl', value: wanted } as const] : []),
      ...(monitor === null ? [] : makeGroup(monitor, 'resctrl-monitor', true)),
    ],
    join: ['resctrl', ...(monitor === null ? [] : ['resctrl-monitor'])].map((group): Op => ({ op: 'joinResctrlGroup', pointer, group })),
    groups: [...(monitor === null ? [] : [monitor]), ...(isOurs ? [path] : [])],
  };
}

/** The same groups for a process that joins a container: they are there. */
export function planExecIntelRdt(
  { linux }: Pick<Config, 'linux'>,
  id: string,
  facts: Pick<HostFacts, 'resctrl'>,
): Omit<IntelRdtPlan, 'groups'> {
  const rdt = linux?.intelRdt;
  if (rdt === undefined) return none;
  const { mountpoint } = requireResctrl(facts);
  const name = rdt.closID ?? id;
  const path = name === '/' ? mountpoint : `${mountpoint}/${name}`;
  const groups = [path, ...(rdt.enableMonitoring === true ? [`${path}/mon_groups/${id}`] : [])];
  return {
    create: groups.map((group, index): Op => ({ op: 'openResctrlGroup', pointer, path: group, group: `resctrl-${index}` })),
    join: groups.map((_, index): Op => ({ op: 'joinResctrlGroup', pointer, group: `resctrl-${index}` })),
  };
}

function requireResctrl({ resctrl }: Pick<HostFacts, 'resctrl'>): NonNullable<HostFacts['resctrl']> {
  if (resctrl !== null) return resctrl;
  throw refuse('', 'linux.intelRdt needs resctrl, which is not mounted', 'mount -t resctrl resctrl /sys/fs/resctrl, or leave it out');
}

function makeGroup(path: string, group: string, removed: boolean): Op[] {
  const program: Op[] = [{ op: 'removeResctrlGroup', pointer, path, group }];
  return [...(removed ? [{ op: 'onExit', pointer, program } as const] : []), { op: 'createResctrlGroup', pointer, path, group }];
}

// L3 before MB, whatever else there is last.
function schemaOf({ l3CacheSchema, memBwSchema, schemata = [] }: NonNullable<NonNullable<Config['linux']>['intelRdt']>): string {
  const lines = [l3CacheSchema, memBwSchema, ...schemata].filter((line) => line !== undefined && line !== '');
  return lines.map((line) => `${line}\n`).join('');
}

// An existing class keeps its schema: others may be in it. What is asked for must be what it has.
function requireSame(current: string, wanted: string): void {
  const has = entriesOf(current);
  for (const [key, value] of entriesOf(wanted)) {
    const found = has.get(key);
    if (found === value) continue;
    throw refuse('/closID', `the class of service exists with another schema: ${key}=${found ?? 'nothing'}, not ${value}`);
  }
}

// "L3:0=ff;1=0f" → L3:0 → ff, L3:1 → f; masks are hexadecimal, bandwidth is decimal, neither minds zeros in front.
function entriesOf(schemata: string): Map<string, string> {
  const entries = schemata.split('\n').flatMap((line) => {
    const [, name = '', domains = ''] = /^\s*([^:]+):(.*)$/.exec(line) ?? [];
    return domains.split(';').flatMap((domain) => {
      const [number = '', value] = domain.trim().split('=');
      return value === undefined
        ? []
        : [
            [
              `${name}:${number}`,
              value
                .trim()
                .toLowerCase()
                .replace(/^0+(?=.)/, ''),
            ] as const,
          ];
    });
  });
  return new Map(entries);
}

function refuse(below: string, message: string, hint?: string): KrunError {
  return new KrunError('E_RDT', message, { pointer: `${pointer}${below}`, ...(hint === undefined ? {} : { hint }) });
}
