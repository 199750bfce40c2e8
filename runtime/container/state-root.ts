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
  const runtimeDirectory = caller.env.get('XDG_RUNTIME_DIR');
  const hasOne = runtimeDirectory?.startsWith('/') === true;
  if (caller.uid === 0 && !(isLoginOf(caller.env.get('USER'), hasOne) && isMapped())) return '/run/krun';
  if (hasOne) return join(runtimeDirectory, 'krun');
  throw new KrunError('E_USAGE', 'there is no place for state: XDG_RUNTIME_DIR is not set', {
    hint: 'give --root DIR, or log in through a session that sets XDG_RUNTIME_DIR',
  });
}

// Root of a user namespace that somebody else's login made (`unshare -r`, podman) cannot write /run. Of one container podman makes one
// call with USER (by conmon) and the next without: both have to come here.
function isLoginOf(user: string | undefined, hasRuntimeDirectory: boolean): boolean {
  return user === undefined || user === '' ? hasRuntimeDirectory : user !== 'root';
}

function isMapped(): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
}
