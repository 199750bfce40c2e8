import { KrunError } from '../errors/krun-error.ts';
import type { Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { DeleteOptions } from './options.ts';
import { planRemoval, planRemovalOfState } from './removal.ts';
import { listIds, readContainer, seeFiles } from './stored-state.ts';

/** Removes what a stopped container left; with `force` a running one too, and a missing one is no error (runtime.md#delete). */
export async function deleteContainer(caller: Caller, { root, id, force }: DeleteOptions): Promise<Plan> {
  try {
    const container = readContainer(root, id);
    if (container.status === 'stopped' || container.status === 'created' || force) return await planRemoval(caller, root, container);
    throw new KrunError('E_RUNNING', `cannot delete container ${id} that is not stopped: ${container.status}`, {
      hint: 'stop it by krun kill, or use --force',
    });
  } catch (error) {
    if (!force || !(error instanceof KrunError) || !['E_NO_CONTAINER', 'E_STATE'].includes(error.code)) throw error;
    return listIds(root).includes(id) ? planRemovalOfState(root, id, seeFiles(root, id)) : []; // damaged, or made by half
  }
}
