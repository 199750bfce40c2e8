import { nearestName } from './nearest-name.ts';
import type { Report } from './problem.ts';
import { type Draft, nonEmptyString, refine, type Schema, show } from './schema.ts';

/** The kernel's capabilities, in the order of their numbers (include/uapi/linux/capability.h). */
export const capabilityNames = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

/** A capability's name. One that krun does not know SHOULD be a warning and MUST NOT fail the run (config.md#linux-process). */
export const capabilityName: Schema<string> = refine(nonEmptyString, (name, report) => {
  if (isKnown(name)) return;
  const nearest = nearestName(name, capabilityNames);
  report.warning([], `must be a capability, not ${show(name)}`, nearest === undefined ? {} : { hint: `did you mean "${nearest}"?` });
});

type SetName = 'effective' | 'inheritable' | 'permitted' | 'ambient';
type Sets = Draft<Readonly<Partial<Record<SetName, readonly string[]>>>>;

/** Reports what capset(2) refuses, and ambient capabilities that cannot be raised (capabilities(7)). */
export function reportCapabilities(sets: Sets, report: Report): void {
  forEachMissing(sets, 'effective', 'permitted', (index, name) => {
    report.error(['effective', index], `must also be in permitted: capset(2) refuses ${name} otherwise`);
  });
  for (const other of ['permitted', 'inheritable'] as const) {
    forEachMissing(sets, 'ambient', other, (index, name) => {
      report.warning(['ambient', index], `must also be in ${other}: ${name} cannot be raised otherwise and is left out`);
    });
  }
}

function forEachMissing(sets: Sets, from: SetName, other: SetName, found: (index: number, name: string) => void): void {
  const allowed = new Set(sets[other]);
  for (const [index, name] of (sets[from] ?? []).entries()) {
    if (name !== undefined && isKnown(name) && !allowed.has(name)) found(index, name);
  }
}

function isKnown(name: string): boolean {
  return (capabilityNames as readonly string[]).includes(name);
}
