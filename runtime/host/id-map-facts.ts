// What a user may map in a user namespace of its own: subuid(5), subgid(5), and the programs that may write such maps. Reads only.
import { readFileSync, statSync } from 'node:fs';
import type { IdMapFacts, IdRange } from '../plan/host-facts.ts';

export interface IdMapSources {
  readonly uid: number;
  readonly gid: number;
  /** Another /etc, and other places of programs, for tests. */
  readonly etc?: string;
  readonly directories?: readonly string[];
}

export function readIdMapFacts({ uid, gid, etc = '/etc', directories = programDirectories }: IdMapSources): IdMapFacts {
  const user = userName(uid, etc);
  // Names come from elsewhere too, and then only the programs know whose ranges are meant.
  const isKnown = user !== null && !/^\s*subid:(?!\s*files\s*$)/m.test(readOptional(`${etc}/nsswitch.conf`));
  const owners = new Set([String(uid), ...(user === null ? [] : [user])]);
  const ids = (own: number, program: string, file: string) => ({
    own,
    program: findIdMapProgram(program, directories),
    ranges: isKnown ? subordinateRanges(`${etc}/${file}`, owners) : null,
  });
  return { user, uids: ids(uid, 'newuidmap', 'subuid'), gids: ids(gid, 'newgidmap', 'subgid') };
}

/** Never the caller's PATH: what is found gets ids that are not the caller's own. */
const programDirectories = ['/run/wrappers/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

/** The path of newuidmap or newgidmap, or null. */
export function findIdMapProgram(name: string, directories: readonly string[] = programDirectories): string | null {
  const paths = directories.map((directory) => `${directory}/${name}`);
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}

/** The lines "owner:first:count" of a file like /etc/subuid for one owner, who may be named or numbered there. */
export function subordinateRanges(path: string, owners: ReadonlySet<string>): IdRange[] {
  return readOptional(path)
    .split('\n')
    .flatMap((line) => {
      const [owner = '', first = '', count = ''] = line.trim().split(':');
      return owners.has(owner) && /^\d+$/.test(first) && /^\d+$/.test(count) ? [{ first: Number(first), count: Number(count) }] : [];
    })
    .filter(({ count }) => count > 0);
}

/** From passwd(5); null where the uid has no name there. */
export function userName(uid: number, etc = '/etc'): string | null {
  const fields = readOptional(`${etc}/passwd`)
    .split('\n')
    .map((line) => line.split(':'));
  return fields.find(([, , id]) => id === String(uid))?.[0] ?? null;
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
