import type { Config, Process } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { HostFacts } from './host-facts.ts';
import type { Op } from './ops.ts';
import { mayOpenProc } from './sysctl.ts';

export interface LabelPlan {
  /** Before the clone. */
  readonly host: readonly Op[];
  /** In init, before pivotRoot: as sysctls. */
  readonly init: readonly Op[];
  /** In init, in the container's root: the labels of the coming execve. */
  readonly write: readonly Op[];
}

/** process.apparmorProfile and process.selinuxLabel, written through a procfs that is mounted nowhere. */
export function planLabels({ linux }: Pick<Config, 'linux'>, process: Process): LabelPlan {
  const write = writeLabels(process, proc);
  const [first] = write;
  if (first === undefined) return { host: [], init: [], write: [] };
  const open: Op[] = [{ op: 'openProc', pointer: first.pointer, proc }];
  return mayOpenProc(linux) ? { host: [], init: open, write } : { host: open, init: [], write };
}

/**
 * The same for a process that is to join a container. It is labelled before it joins anything, when the caller's own /proc can be trusted
 * as much as the caller; a label stays with a task over its clone.
 */
export function planExecLabels(process: Process): readonly Op[] {
  return writeLabels(process, null);
}

const proc = 'label-proc';

// Where both AppArmor and another module are at work, attr/exec is the other's.
function writeLabels({ apparmorProfile, selinuxLabel }: Process, slot: string | null): Op[] {
  const [op, apparmor, selinux] = ['writeProcessLabel' as const, '/process/apparmorProfile', '/process/selinuxLabel'];
  const files = ['attr/apparmor/exec', 'attr/exec'];
  return [
    ...(apparmorProfile === undefined
      ? []
      : [{ op, pointer: apparmor, proc: slot, files, value: `exec ${apparmorProfile}`, label: apparmorProfile }]),
    ...(selinuxLabel === undefined
      ? []
      : [{ op, pointer: selinux, proc: slot, files: ['attr/exec'], value: selinuxLabel, label: selinuxLabel }]),
  ];
}

/** Throws E_NO_LSM for a label that nothing on this host would enforce: a container that is believed confined must be. */
export function requireSecurityModules(
  { linux }: Pick<Config, 'linux'>,
  process: Process,
  facts: Pick<HostFacts, 'securityModules'>,
): void {
  const { apparmorProfile, selinuxLabel } = process;
  if (apparmorProfile !== undefined && !facts.securityModules.apparmor) throw absent('/process/apparmorProfile', 'AppArmor');
  if (selinuxLabel !== undefined && !facts.securityModules.selinux) throw absent('/process/selinuxLabel', 'SELinux');
  if (linux?.mountLabel !== undefined && !facts.securityModules.selinux) throw absent('/linux/mountLabel', 'SELinux');
}

function absent(pointer: string, name: string): KrunError {
  const field = pointer.slice(1).replace('/', '.');
  return new KrunError('E_NO_LSM', `${field} needs ${name}, which is not active on this host`, {
    pointer,
    hint: `leave ${field} out, or boot a kernel with ${name} (lsm=…,${name.toLowerCase()})`,
  });
}
