import { idMappings } from './id-mappings.ts';
import type { Report } from './problem.ts';
import { absentIfEmpty, array, type Draft, type Infer, nonEmptyString, object, refine, string } from './schema.ts';

const mountShape = object(
  { destination: nonEmptyString },
  {
    type: absentIfEmpty(string),
    source: absentIfEmpty(string),
    options: array(nonEmptyString),
    uidMappings: absentIfEmpty(idMappings),
    gidMappings: absentIfEmpty(idMappings),
  },
);

const mount = refine(mountShape, reportMount);

/** config.md#mounts: carried out in this order. */
export const mounts = array(mount);

export type Mount = Infer<typeof mountShape>;

/** A bind mount is one by its options, whatever its type says (config.md#linux-mount-options). */
export function isBindMount(mount: Draft<Mount>): boolean {
  return hasOption(mount, 'bind') || hasOption(mount, 'rbind');
}

/** Asked for by idmap, ridmap, or by mappings of its own. */
export function isIdmappedMount(mount: Draft<Mount>): boolean {
  return hasOption(mount, 'idmap') || hasOption(mount, 'ridmap') || mount.uidMappings !== undefined || mount.gidMappings !== undefined;
}

function reportMount(mount: Draft<Mount>, report: Report): void {
  reportDestination(mount, report);
  if (isBindMount(mount)) {
    if (mount.source === undefined) report.error(['source'], 'must be given for a bind mount');
  } else {
    reportType(mount, report);
  }
  reportIdmap(mount, report);
  if (hasOption(mount, 'tmpcopyup') && mount.type !== 'tmpfs') {
    report.error(['options', indexOfOption(mount, 'tmpcopyup')], 'must not be tmpcopyup: only a mount of type tmpfs has it');
  }
}

function reportDestination({ destination }: Draft<Mount>, report: Report): void {
  if (destination === undefined) return;
  if (!destination.startsWith('/')) {
    report.warning(['destination'], 'must be an absolute path; a relative one is taken from / and is deprecated');
  }
  // Such a mount would hide the root that root.path asks for, with all that was mounted before.
  if (destination.split('/').every((name) => name === '' || name === '.')) report.error(['destination'], 'must be below the root, not /');
}

function reportType(mount: Draft<Mount>, report: Report): void {
  if (mount.type === undefined && !hasOption(mount, 'remount')) {
    report.error(['type'], 'must be given unless an option is bind or rbind');
  }
  if (mount.type === 'bind') {
    report.error(['type'], 'must be a file system: a bind mount is made by an option', { hint: 'add "bind" or "rbind" to options' });
  }
}

function reportIdmap(mount: Draft<Mount>, report: Report): void {
  if (mount.uidMappings === undefined && mount.gidMappings !== undefined) report.error(['uidMappings'], 'must be given with gidMappings');
  if (mount.gidMappings === undefined && mount.uidMappings !== undefined) report.error(['gidMappings'], 'must be given with uidMappings');
  if (isIdmappedMount(mount) && !isBindMount(mount)) {
    report.error([], 'must be a bind mount to have its ids mapped', { hint: 'add "bind" or "rbind" to options' });
  }
}

function hasOption(mount: Draft<Mount>, option: string): boolean {
  return mount.options?.includes(option) ?? false;
}

function indexOfOption(mount: Draft<Mount>, option: string): number {
  return mount.options?.indexOf(option) ?? 0;
}
