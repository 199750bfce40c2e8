import { existsSync } from 'node:fs';
import { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { print, printText } from '../plan/print.ts';
import type { Caller } from './caller.ts';
import type { ListOptions } from './options.ts';
import { type ShownState, showState } from './state.ts';
import { listIds, readContainer } from './stored-state.ts';

/** As `runc list`: a table, JSON (null for none), or with `quiet` the ids alone. */
export function listContainers(_caller: Caller, { root, explicitRoot, format, quiet }: ListOptions): Plan {
  if (explicitRoot && !existsSync(root)) throw new KrunError('E_STATE', `there is no directory ${root}`, { path: root });
  const { shown, damaged } = readStates(root);
  return [...damaged.map(complain), ...printText(render(shown, { format, quiet }))];
}

/** All containers below root, sorted by id, and what cannot be understood there. */
export function readStates(root: string): { readonly shown: readonly ShownState[]; readonly damaged: readonly KrunError[] } {
  const found = listIds(root).map((id) => readIfThere(root, id));
  const shown = found.filter((one) => one !== null && !('damaged' in one)) as ShownState[];
  return { shown, damaged: found.flatMap((one) => (one !== null && 'damaged' in one ? [one.damaged] : [])) };
}

function render(shown: readonly ShownState[], { format, quiet }: Pick<ListOptions, 'format' | 'quiet'>): string {
  if (quiet) return shown.map(({ id }) => `${id}\n`).join('');
  return format === 'json' ? `${JSON.stringify(shown.length === 0 ? null : shown)}\n` : table(shown);
}

// A container may go while the list is made, and a half-made one has nothing to show yet. A damaged one does not hide the others.
function readIfThere(root: string, id: string): ShownState | { readonly damaged: KrunError } | null {
  try {
    return showState(readContainer(root, id));
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    return error.code === 'E_NO_CONTAINER' ? null : { damaged: error };
  }
}

function complain({ message, hint }: KrunError): Op {
  return print(2, `krun: ${message}${hint === undefined ? '' : ` (${hint})`}\n`);
}

function table(shown: readonly ShownState[]): string {
  const head = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
  const rows = [head, ...shown.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner])];
  const widths = head.map((_, column) => Math.max(12, ...rows.map((row) => (row[column] ?? '').length + 2)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}
