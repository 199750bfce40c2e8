// What explaining a failure needs to know of this host. Read after the failure, never on the way to a start.
import { readFileSync, statSync } from 'node:fs';
import { machine } from 'node:os';
import type { FailureFacts } from '../errors/failure.ts';

/** `source`: the absolute path of the bind mount that failed, or null; `config`: config.json as parsed, or null. */
export function readFailureFacts(uid: number, config: unknown, source: string | null): FailureFacts {
  return {
    machine: machine(),
    uid,
    maxUserNamespaces: readNumber('/proc/sys/user/max_user_namespaces'),
    unprivilegedUserNamespaces: readNumber('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestrictsUserNamespaces: readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    sourceKind: source === null ? null : kindOf(source),
    config,
  };
}

function readNumber(path: string): number | null {
  try {
    return Number(readFileSync(path, 'latin1'));
  } catch {
    return null; // this kernel does not have it
  }
}

function kindOf(path: string): 'directory' | 'file' | null {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file';
  } catch {
    return null;
  }
}
