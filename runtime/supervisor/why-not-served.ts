// Why the helper has not asked a resident supervisor that runs (runtime/helper/resident.c), for `krun supervisor status`: as far as it
// can be seen from here.
import { readFileSync, readlinkSync } from 'node:fs';
import type { Caller } from '../container/caller.ts';
import { readLivingProcess } from '../container/stored-state.ts';
import { KrunError } from '../errors/krun-error.ts';
import { notRunning, servicePlace } from './service.ts';

/** E_SUPERVISOR: why a call that asks for the status was not answered by the resident supervisor itself. */
export function whyNotServed(caller: Caller): KrunError {
  const running = readLivingProcess(servicePlace(caller).pidFile);
  if (running === null) return notRunning();
  const { why, hint } = difference(caller, String(running.pid)) ?? unknown;
  return new KrunError('E_SUPERVISOR', `the supervisor runs (pid ${running.pid}), but does not answer this call${why}`, { hint });
}

interface Reason {
  readonly why: string;
  readonly hint: string;
}

const unknown: Reason = {
  why: '',
  hint: 'it is of another installation, at another root directory, or hangs: krun supervisor stop ends it',
};

// We have the caller's own groups and namespaces.
function difference({ uid }: Caller, pid: string): Reason | null {
  const [theirs, ours] = [credentials(pid), credentials('self')];
  if (theirs.gid !== ours.gid) return { why: `: its group is ${theirs.gid}, this call's is ${ours.gid}`, hint: restart };
  if (uid !== 0 && theirs.groups !== ours.groups)
    return { why: `: its supplementary groups are ${theirs.groups || 'none'}, this call's are ${ours.groups || 'none'}`, hint: restart };
  const other = namespaces.find((name) => namespaceOf(pid, name) !== namespaceOf('self', name));
  if (other === undefined) return null;
  if (namespaceOf(pid, other) === 'closed') return { why: ': it has capabilities that this call has not', hint: restart };
  return { why: `: it is in another ${other} namespace`, hint: 'calls in other namespaces do without it; nothing is wrong with that' };
}

const restart =
  'groups change with a new log-in, also those of services: krun supervisor stop, or, where systemd starts it, systemctl restart user@UID';
const namespaces = ['mnt', 'pid', 'user', 'cgroup', 'time', 'net'] as const;

// proc_pid_status(5). "Gid:" holds the real, effective, saved and file system's.
function credentials(pid: string): { readonly gid: string; readonly groups: string } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const line = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
  return { gid: line('Gid').split('\t')[1] ?? '', groups: line('Groups') };
}

// ENOENT: this kernel has it for no process.
function namespaceOf(pid: string, name: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'closed';
  }
}
