// What is mounted where: in a container, and on the host around it.
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { cleanPath, isWithin } from '../plan/clean-path.ts';
import type { SeenMount } from '../plan/criu-mounts.ts';
import { unescapePath } from './mountinfo.ts';

/** Every mount that a process sees, in the order of the file. */
export function mountsOf(pid: number | 'self'): SeenMount[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n').flatMap(parseLine);
}

function parseLine(line: string): SeenMount[] {
  const [before = '', after] = line.split(' - ');
  if (after === undefined) return [];
  const [id = '', , device = '', root = '', mountpoint = ''] = before.split(' ');
  const [type = ''] = after.split(' ');
  return [{ id: Number(id), device, root: unescapePath(root), mountpoint: unescapePath(mountpoint), type }];
}

/** Where a path leads below a root, as its own processes would find it. For names only: nothing is opened by it. */
export function resolveInRoot(root: string, path: string): string {
  const names = path.split('/').reverse();
  let [at, links] = ['/', 0];
  while (names.length > 0) {
    const name = names.pop() ?? '';
    const next = cleanPath(name === '..' ? `${at}/..` : `${at}/${name}`);
    const target = linkAt(root + next);
    if (target === null) at = next;
    else if (++links > mostLinks) return cleanPath(path);
    else {
      if (target.startsWith('/')) at = '/';
      names.push(...target.split('/').reverse());
    }
  }
  return at;
}

const mostLinks = 40;

function linkAt(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null; // what is not there is no link
  }
}

/** The host's mounts below a directory, itself left out, as paths relative to it: '/a'. */
export function mountsBelow(directory: string, mounts: readonly SeenMount[]): string[] {
  return mounts
    .map(({ mountpoint }) => mountpoint)
    .filter((mountpoint) => mountpoint !== directory && isWithin(mountpoint, directory))
    .map((mountpoint) => (directory === '/' ? mountpoint : mountpoint.slice(directory.length)));
}
