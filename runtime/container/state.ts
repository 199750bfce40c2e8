import type { Plan } from '../plan/ops.ts';
import { printText } from '../plan/print.ts';
import type { Caller } from './caller.ts';
import type { StateOptions } from './options.ts';
import { type FoundContainer, readContainer } from './stored-state.ts';

/** What `state` and `list --format json` show: the runtime-spec's state and runc's additions (runtime.md#state). */
export interface ShownState {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export function containerState(_caller: Caller, { root, id }: StateOptions): Plan {
  return printText(`${JSON.stringify(showState(readContainer(root, id)), null, 2)}\n`);
}

export function showState({ state, status, init }: FoundContainer): ShownState {
  const { ociVersion, id, bundle, rootfs, created, annotations, owner } = state;
  return {
    ociVersion,
    id,
    pid: init?.pid ?? 0,
    status,
    bundle,
    rootfs,
    created,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    owner: owner === 0 ? 'root' : `#${owner}`,
  };
}
