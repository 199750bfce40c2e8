// linux.uidMappings and gidMappings → who writes them: we, or, without privileges, newuidmap(1) and newgidmap(1).
import type { IdMapping, Linux } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { IdMapFacts, SubordinateIds } from './host-facts.ts';
import { formatIdMap } from './id-map.ts';
import type { Op } from './ops.ts';

export interface IdMapPlan {
  /** In the helper, which is outside of the new user namespace, while init waits for its maps. */
  readonly write: readonly Op[];
  readonly maySetGroups: boolean;
}

/** Of no new user namespace. */
export const noIdMaps: IdMapPlan = { write: [], maySetGroups: true };

/**
 * `facts`: of a caller without privileges. Such a one may write a map of one id, its own, and must give up setgroups for that of gids
 * (user_namespaces(7)); more is for the two programs, which ask /etc/subuid and /etc/subgid. So do we, before anything is made:
 * throws E_ID_MAP with the line that is missing there.
 */
export function planIdMaps(linux: Linux | undefined, facts: IdMapFacts | undefined): IdMapPlan {
  const { uidMappings = [], gidMappings = [] } = linux ?? {};
  if (facts === undefined) return { write: [writeMaps(uidMappings, gidMappings, false)], maySetGroups: true };
  const [uids, gids] = [
    { ...files.uids, ...facts.uids, user: facts.user, mappings: uidMappings },
    { ...files.gids, ...facts.gids, user: facts.user, mappings: gidMappings },
  ];
  const maySetGroups = gidMappings.some((mapping) => !isOwn(mapping, gids.own)); // as newgidmap has it
  if (isWritable(uids) && isWritable(gids)) return { write: [writeMaps(uidMappings, gidMappings, true)], maySetGroups };
  return {
    write: [
      isWritable(gids) ? writeMaps([], gidMappings, true) : byProgram(gids),
      isWritable(uids) ? writeMaps(uidMappings, [], false) : byProgram(uids),
    ],
    maySetGroups,
  };
}

interface Wanted extends SubordinateIds {
  readonly user: string | null;
  readonly mappings: readonly IdMapping[];
  readonly file: string;
  readonly kind: 'uid' | 'gid';
}

const files = {
  uids: { kind: 'uid', file: '/etc/subuid' },
  gids: { kind: 'gid', file: '/etc/subgid' },
} as const;

function writeMaps(uids: readonly IdMapping[], gids: readonly IdMapping[], denySetgroups: boolean): Op {
  return { op: 'writeIdMaps', pointer: '/linux/uidMappings', uidMap: formatIdMap(uids), gidMap: formatIdMap(gids), denySetgroups };
}

function isWritable({ mappings, own }: Wanted): boolean {
  return mappings.length === 1 && mappings.every((mapping) => isOwn(mapping, own));
}

function isOwn({ hostID, size }: IdMapping, own: number): boolean {
  return size === 1 && hostID === own;
}

function byProgram(wanted: Wanted): Op {
  const { kind, mappings, own, program, ranges } = wanted;
  const pointer = `/linux/${kind}Mappings`;
  const foreign = mappings.findIndex((mapping) => !isOwn(mapping, own) && ranges !== null && !isCovered(mapping, ranges));
  if (foreign >= 0) throw notGiven(wanted, foreign);
  if (program === null)
    throw new KrunError('E_ID_MAP', `more ids than your own can only be mapped by new${kind}map, which is not installed`, {
      pointer,
      hint: 'apt-get install uidmap (Debian, Ubuntu), dnf install shadow-utils (Fedora)',
    });
  return {
    op: 'runIdMapProgram',
    pointer,
    program,
    map: mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String)),
  };
}

// Ranges that touch count as one, as with the programs.
function isCovered({ hostID, size }: IdMapping, ranges: readonly { readonly first: number; readonly count: number }[]): boolean {
  const end = hostID + size;
  let covered = hostID;
  for (const { first, count } of [...ranges].sort((a, b) => a.first - b.first))
    if (first <= covered && first + count > covered) covered = first + count;
  return covered >= end;
}

function notGiven({ kind, file, user, ranges, mappings }: Wanted, index: number): KrunError {
  const { hostID = 0, size = 0 } = mappings[index] ?? {};
  const given = (ranges ?? []).map(({ first, count }) => span(first, count));
  const what = given.length === 0 ? `has no line for ${user}` : `gives ${user} ${given.join(', ')}`;
  return new KrunError('E_ID_MAP', `${user} may not map the host's ${kind}s ${span(hostID, size)}: ${file} ${what}`, {
    pointer: `/linux/${kind}Mappings/${index}/hostID`,
    path: file,
    hint: remedy({ kind, file, user, hostID, size, given }),
  });
}

interface Missing extends Pick<Wanted, 'kind' | 'file' | 'user'> {
  readonly hostID: number;
  readonly size: number;
  readonly given: readonly string[];
}

// Below this are the system's own users and people: login.defs(5), SUB_UID_MIN.
const firstSubordinate = 65_536;

function remedy({ kind, file, user, hostID, size, given }: Missing): string {
  const own = 'or map only your own id, as krun spec --rootless does';
  if (given.length > 0) return `map ids of ${given.join(', ')}, ${own}`;
  if (hostID < firstSubordinate) return `ids below ${firstSubordinate} are the system's: map subordinate ones, ${own}`;
  return `as root: usermod --add-sub${kind}s ${span(hostID, size)} ${user}, which adds the line "${user}:${hostID}:${size}" to ${file} (nobody else may have these ids there); ${own}`;
}

function span(first: number, count: number): string {
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}
