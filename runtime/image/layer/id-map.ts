// Whose ids an archive's become on disk.
import { KrunError } from '../../errors/krun-error.ts';
import { readable } from './layer-path.ts';
import { keepOwner } from './records.ts';

/** `size` ids from `containerID` on are those from `hostID` on, as in config.json's /linux/uidMappings. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** For ids of an archive: that on disk. Without a map it is the same, or whoever unpacks if that is not privileged. E_LAYER_ID if there is none. */
export function idMapper(
  what: 'uid' | 'gid',
  map: readonly IdMapping[] | undefined,
  isPrivileged: boolean,
): (id: number, path: string) => number {
  return (id, path) => {
    if (id < 0 || id >= keepOwner)
      throw new KrunError('E_LAYER_ID', `${readable(path)} belongs to ${what} ${id}, which is none`, { path: readable(path) });
    if (map === undefined) return isPrivileged ? id : keepOwner;
    for (const { containerID, hostID, size } of map) if (id >= containerID && id < containerID + size) return hostID + id - containerID;
    throw new KrunError('E_LAYER_ID', `${readable(path)} belongs to ${what} ${id}, which is not mapped`, {
      path: readable(path),
      hint: `map more ids: for a user without privileges by /etc/sub${what}`,
    });
  };
}

/** The other way round: from the id on disk. */
export function inverse(map: readonly IdMapping[] | undefined): readonly IdMapping[] | undefined {
  return map?.map(({ containerID, hostID, size }) => ({ containerID: hostID, hostID: containerID, size }));
}
