// What explaining a failure needs to know of this host. Read after the failure, never on the way to a start.
import { readFileSync, statSync } from 'node:fs';
import { machine } from 'node:os';
import type { FailureFacts } from '../errors/failure.ts';

/**
 * `source`: the absolute path of the bind mount that failed, or null; `config`: config.json as parsed, or null; `criuLog`: the path of
 * criu's log if it was criu that failed, or null.
 */
export function readFailureFacts(uid: number, config: unknown, source: string | null, criuLog: string | null = null): FailureFacts {
  return {
    machine: machine(),
    uid,
    maxUserNamespaces: readNumber('/proc/sys/user/max_user_namespaces'),
    unprivilegedUserNamespaces: readNumber('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestrictsUserNamespaces: readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    sourceKind: source === null ? null : kindOf(source),
    criuErrors: criuLog === null ? [] : readCriuErrors(criuLog),
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

// "(00.143730)      1: Error (criu/util.c:657): exited, status=1"; the programs that criu runs have no time before their lines.
function readCriuErrors(path: string): string[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    const errors = lines.flatMap((line) => /^(?:\([\d.]+\)\s*)?(?:\d+:\s*)?Error \([^)]*\): (.*)$/.exec(line)?.slice(1) ?? []);
    return errors.filter((error) => !asides.some((aside) => aside.test(error)));
  } catch {
    return [];
  }
}

// What criu goes on after, or says last of all whatever the cause.
const asides = [
  /^rlimit: /, // without CAP_SYS_RESOURCE
  /^execvp\("ip6?tables/,
  /^ip6?tables(-legacy)?-\w+ -V failed$/,
  /^exited, status=/,
  /FAILED\.$/,
  /^cg: (cgroupd: recv req error|Unable to umount)/,
];
