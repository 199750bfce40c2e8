import type { IdMapping } from '../config/config.ts';

/** The content of /proc/<pid>/uid_map or gid_map: user_namespaces(7). */
export function formatIdMap(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** The container's root, or the least id that there is; 0 when the maps are not known, as in a joined user namespace. */
export function rootOf(mappings: readonly IdMapping[] | undefined): number {
  return mappings === undefined || mappings.length === 0 ? 0 : Math.min(...mappings.map(({ containerID }) => containerID));
}
