import { devices } from './devices.ts';
import { idMappings } from './id-mappings.ts';
import { intelRdt } from './intel-rdt.ts';
import { memoryPolicy } from './memory-policy.ts';
import { namespaces, timeOffsets } from './namespaces.ts';
import { netDevices } from './net-devices.ts';
import { resources } from './resources.ts';
import { absentIfEmpty, absolutePath, array, type Infer, object, oneOf, record, refine, string } from './schema.ts';
import { seccomp } from './seccomp.ts';

/** The r* forms are not in the runtime-spec, but every engine may write them. */
export const propagations = ['shared', 'slave', 'private', 'unbindable', 'rshared', 'rslave', 'rprivate', 'runbindable'] as const;

const personality = refine(object({ domain: oneOf(['LINUX', 'LINUX32']) }, { flags: array(string) }), ({ flags = [] }, report) => {
  if (flags.length > 0) report.error(['flags'], 'must be empty: the runtime-spec defines no flags yet');
});

const cgroupsPath = refine(string, (path, report) => {
  if (path.split('/').includes('..')) report.error([], 'must not contain ..', { code: 'E_BAD_CGROUP' });
});

/** config-linux.md. */
export const linuxSchema = object(
  {},
  {
    namespaces,
    uidMappings: absentIfEmpty(idMappings),
    gidMappings: absentIfEmpty(idMappings),
    timeOffsets,
    devices,
    netDevices,
    cgroupsPath: absentIfEmpty(cgroupsPath),
    resources,
    intelRdt,
    memoryPolicy,
    sysctl: record(string),
    seccomp: absentIfEmpty(seccomp),
    rootfsPropagation: absentIfEmpty(oneOf(propagations)),
    maskedPaths: array(absolutePath),
    readonlyPaths: array(absolutePath),
    mountLabel: absentIfEmpty(string),
    personality,
  },
);

export type Linux = Infer<typeof linuxSchema>;
export type Personality = Infer<typeof personality>;
export type Propagation = (typeof propagations)[number];
