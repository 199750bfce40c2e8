import type { Report } from './problem.ts';
import { array, type Draft, type Infer, integer, object, refine, uint32 } from './schema.ts';

const idMapping = refine(
  object({ containerID: uint32, hostID: uint32, size: integer(1, 0xffff_ffff) }, {}),
  ({ containerID = 0, hostID = 0, size = 0 }, report) => {
    for (const [name, start] of Object.entries({ containerID, hostID })) {
      // 2^32-1 is (uid_t)-1 and no id: kernel/user_namespace.c refuses a range that reaches past it.
      if (start + size > 0xffff_ffff) report.error(['size'], `must end below 4294967295: ${name} ${start} and size ${size} reach past it`);
    }
  },
);

/** Maps of ids, as written to /proc/<pid>/uid_map: user_namespaces(7). */
export const idMappings = refine(array(idMapping), reportMappings);

export type IdMapping = Infer<typeof idMapping>;
type Mappings = Draft<readonly IdMapping[]>;

/** Whether the container's id has one on the host; unusable entries count as mapping everything. */
export function isMapped(mappings: Mappings, id: number): boolean {
  return mappings.some((mapping) => {
    if (mapping?.containerID === undefined || mapping.size === undefined) return true;
    return id >= mapping.containerID && id < mapping.containerID + mapping.size;
  });
}

function reportMappings(mappings: Mappings, report: Report): void {
  if (mappings.length > 340) report.error([], `must have at most 340 entries, the kernel's limit, not ${mappings.length}`);
  else for (const name of ['containerID', 'hostID'] as const) reportOverlaps(mappings, name, report);
}

function reportOverlaps(mappings: Mappings, name: 'containerID' | 'hostID', report: Report): void {
  const ranges = mappings.flatMap((mapping, index) => {
    const start = mapping?.[name];
    return start === undefined || mapping?.size === undefined ? [] : [{ start, end: start + mapping.size, index }];
  });
  for (const [position, range] of ranges.entries()) {
    const other = ranges.slice(0, position).find(({ start, end }) => range.start < end && start < range.end);
    if (other !== undefined) report.error([range.index, name], `must not overlap: its ids are already in entry ${other.index}`);
  }
}
