// `krun image TASK …`: one function a task.

import { usageError } from '../../cli/parse.ts';
import { nearestName } from '../../config/nearest-name.ts';
import type { ImageCall } from './call.ts';
import { history } from './history.ts';
import { inspect } from './inspect.ts';
import { list } from './list.ts';
import { load } from './load.ts';
import { prune } from './prune.ts';
import { remove } from './remove.ts';
import { save } from './save.ts';
import { tag } from './tag.ts';

interface Task {
  readonly act: (call: ImageCall, names: readonly string[]) => Promise<void>;
  readonly least: number;
  readonly most: number;
}

const tasks: Readonly<Record<string, Task>> = {
  ls: { act: list, least: 0, most: 0 },
  inspect: { act: inspect, least: 1, most: 1 },
  history: { act: history, least: 1, most: 1 },
  tag: { act: tag, least: 2, most: 2 },
  rm: { act: remove, least: 1, most: Number.POSITIVE_INFINITY },
  save: { act: save, least: 1, most: Number.POSITIVE_INFINITY },
  load: { act: load, least: 0, most: 0 },
  prune: { act: prune, least: 0, most: 0 },
};

export async function imageCommand(call: ImageCall): Promise<void> {
  const [name = '', ...names] = call.line.positionals;
  const task = tasks[name];
  if (task === undefined) {
    const close = nearestName(name, Object.keys(tasks));
    throw usageError(
      `unknown task "${name}" of image`,
      close === undefined ? `there are ${Object.keys(tasks).join(', ')}` : `did you mean ${close}?`,
    );
  }
  if (names.length < task.least || names.length > task.most) {
    const wanted = task.least === task.most ? `exactly ${task.least}` : `at least ${task.least}`;
    throw usageError(`"image ${name}" takes ${wanted} argument${task.least === 1 ? '' : 's'}, not ${names.length}`, 'krun image --help');
  }
  await task.act(call, names);
}
