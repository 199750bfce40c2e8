// The process part of a plan in a root file system of its own: what comes between pivotRoot and execve, against a hostile image.

import type { Op } from '../../runtime/plan/ops.ts';
import { MS_SLAVE, mountProc, openRoot, pivotRoot, type Stage, setPropagation } from './rootfs-plan.ts';
import type { PlanResult } from './run-plan.ts';
import { type ProcessRun, runSettings, type Settings } from './run-process.ts';

export interface InRootfs extends ProcessRun {
  /** With the root open, before the pivot. */
  readonly setUp?: readonly Op[];
}

/** Default: /probe, in a mount and pid namespace of its own, with procfs. */
export async function runInRootfs(stage: Stage, settings: Settings, options: InRootfs = {}): Promise<PlanResult> {
  const namespaces = [{ type: 'mount' as const }, { type: 'pid' as const }];
  const inner = [setPropagation('/', MS_SLAVE), openRoot(stage.rootfs), mountProc, ...(options.setUp ?? []), pivotRoot()];
  const linux = { namespaces, ...settings.linux };
  return runSettings(
    { ...settings, linux, process: { args: ['/probe'], ...settings.process } },
    { ...options, extra: [...inner, ...(options.extra ?? [])] },
  );
}
