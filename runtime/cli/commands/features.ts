import { knownAnnotations } from '../../config/annotations.ts';
import { capabilityNames } from '../../config/capabilities.ts';
import { hookNames } from '../../config/hooks.ts';
import { memoryPolicyFlags, memoryPolicyModes } from '../../config/memory-policy.ts';
import { namespaceTypes } from '../../config/namespaces.ts';
import { seccompActions, seccompFlags, seccompOperators } from '../../config/seccomp.ts';
import { mountOptions } from '../../plan/mount-options.ts';
import { exit, print } from '../../plan/print.ts';
import { oldestSpecVersion, specVersion, version } from '../../version.ts';
import type { CommandHandler } from '../handle.ts';

/** features.md of the runtime-spec. Engines read it: CRI wants rro in mountOptions, CRI-O both versions and a silent stderr. */
export const features: CommandHandler = () => [print(1, `${JSON.stringify(describeFeatures(), null, 2)}\n`), exit(0)];

// Only what this version carries out.
export function describeFeatures(): Readonly<Record<string, unknown>> {
  return {
    ociVersionMin: oldestSpecVersion,
    ociVersionMax: specVersion,
    hooks: [...hookNames],
    mountOptions: [...mountOptions],
    linux: {
      namespaces: [...namespaceTypes],
      capabilities: [...capabilityNames],
      cgroup: { v1: false, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: [...seccompActions],
        operators: [...seccompOperators],
        archs: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'],
        knownFlags: [...seccompFlags],
        supportedFlags: [...seccompFlags],
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: [...memoryPolicyModes], flags: [...memoryPolicyFlags] },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { 'org.krun.version': version },
    potentiallyUnsafeConfigAnnotations: knownAnnotations.filter(({ honoured }) => honoured).map(({ name }) => name.replace(/\*$/, '')),
  };
}
