import type { Report } from './problem.ts';
import { absentIfEmpty, absolutePath, array, type Draft, type Infer, int64, integer, object, oneOf, record, refine } from './schema.ts';

export const namespaceTypes = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;
export type NamespaceType = (typeof namespaceTypes)[number];

const namespace = object({ type: oneOf(namespaceTypes) }, { path: absentIfEmpty(absolutePath) });

/** config-linux.md#namespaces: with a path joined, without one made; a type that is absent stays the runtime's own. */
export const namespaces = refine(array(namespace), reportDuplicates);

const timeOffset = object({}, { secs: int64, nanosecs: integer(0, 999_999_999) });
const clocks = ['monotonic', 'boottime'] as const;

/** config-linux.md#offset-for-time-namespace, by clock. */
export const timeOffsets = refine(record(timeOffset), (offsets, report) => {
  for (const clock of Object.keys(offsets)) {
    if (!(clocks as readonly string[]).includes(clock))
      report.error([clock], `must be a clock of a time namespace: ${clocks.join(' or ')}`);
  }
});

export type Namespace = Infer<typeof namespace>;
export type TimeOffset = Infer<typeof timeOffset>;
export type TimeOffsets = Infer<typeof timeOffsets>;

type Owner = Draft<{ readonly namespaces?: readonly Namespace[] }> | undefined;

/** False also when an entry is unusable: then nobody can say, and that entry has been reported. */
export function lacksNamespace(linux: Owner, type: NamespaceType): boolean {
  return (linux?.namespaces ?? []).every((entry) => entry?.type !== undefined && entry.type !== type);
}

/** Whether the container gets a new namespace of this type. */
export function createsNamespace(linux: Owner, type: NamespaceType): boolean {
  return linux?.namespaces?.some((entry) => entry?.type === type && entry.path === undefined) ?? false;
}

/** Whether the container joins an existing namespace of this type. */
export function joinsNamespace(linux: Owner, type: NamespaceType): boolean {
  return linux?.namespaces?.some((entry) => entry?.type === type && entry.path !== undefined) ?? false;
}

// "If a namespaces field contains duplicated namespaces with same type, the runtime MUST generate an error".
function reportDuplicates(entries: Draft<readonly Namespace[]>, report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    if (entry?.type === undefined) continue;
    const first = seen.get(entry.type);
    if (first === undefined) seen.set(entry.type, index);
    else report.error([index, 'type'], `must not stand twice: ${entry.type} is already in namespaces[${first}]`);
  }
}
