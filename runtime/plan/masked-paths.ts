import type { Config } from '../config/config.ts';
import { cleanPath } from './clean-path.ts';
import type { Op } from './ops.ts';
import { refuseMount } from './refuse-mount.ts';

export interface MaskPlan {
  /** Before the container's root is there: its own /dev/null is not to be trusted (CVE-2025-31133). */
  readonly open: readonly Op[];
  /** After all mounts, devices and hooks, so that nothing can be mounted over them; before pivot_root. */
  readonly seal: readonly Op[];
}

/** linux.readonlyPaths, then linux.maskedPaths, which may lie below them (config-linux.md). */
export function planMaskedPaths({ linux }: Config): MaskPlan {
  const masked = (linux?.maskedPaths ?? []).map((path, index) => below(path, `/linux/maskedPaths/${index}`));
  const readonly = (linux?.readonlyPaths ?? []).map((path, index) => below(path, `/linux/readonlyPaths/${index}`));
  return {
    open: masked.length === 0 ? [] : [{ op: 'openNull', pointer: '/linux/maskedPaths', null: 'null' }],
    seal: [
      ...readonly.map((at): Op => ({ op: 'setPathReadonly', ...at, root: 'root' })),
      ...masked.map((at): Op => ({ op: 'maskPath', ...at, root: 'root', null: 'null' })),
    ],
  };
}

function below(path: string, pointer: string): { readonly pointer: string; readonly path: string } {
  const clean = cleanPath(path);
  if (clean === '/') refuseMount(pointer, 'must be a path below the root, not /', 'root.readonly makes the root read-only');
  return { pointer, path: clean };
}
