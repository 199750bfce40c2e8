import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KrunError } from '../errors/krun-error.ts';
import type { Caller } from './caller.ts';

/** The directory of all state directories, absolute: the one that was given, /run/krun, or $XDG_RUNTIME_DIR/krun. Throws E_USAGE. */
export function stateRoot(caller: Pick<Caller, 'cwd' | 'uid' | 'env'>, given: string | null): string {
  if (given !== null) {
    const root = resolve(caller.cwd, given);
    if (given === '' || root === '/') throw new KrunError('E_USAGE', '--root must not be empty or /');
    return root;
  }
  if (caller.uid === 0 && !isMappedRoot(caller)) return '/run/krun';
  const runtimeDirectory = caller.env.get('XDG_RUNTIME_DIR');
  if (runtimeDirectory?.startsWith('/')) return join(runtimeDirectory, 'krun');
  throw new KrunError('E_USAGE', 'there is no place for state: XDG_RUNTIME_DIR is not set', {
    hint: 'give --root DIR, or log in through a session that sets XDG_RUNTIME_DIR',
  });
}

// Root of a user namespace that somebody else's login made (`unshare -r`, podman unshare) cannot write /run.
function isMappedRoot({ env }: Pick<Caller, 'env'>): boolean {
  const user = env.get('USER');
  if (user === undefined || user === '' || user === 'root') return false;
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
}
