import type { Process } from '../config/config.ts';
import { rlimitTypes } from '../config/rlimits.ts';
import type { Op } from './ops.ts';
import { stages } from './stages.ts';

export interface LimitPlan {
  readonly init: readonly Op[];
  readonly helper: readonly Op[];
}

/**
 * process.rlimits, set as late as can be: the set-up itself needs descriptors and memory. In a user namespace init's CAP_SYS_RESOURCE
 * does not count (getrlimit(2)), so the helper sets them while init waits.
 */
export function planRlimits({ rlimits = [] }: Pick<Process, 'rlimits'>, inUserNamespace: boolean): LimitPlan {
  const limits = rlimits.map(
    ({ type, soft, hard }, index): Op => ({
      op: 'setrlimit',
      pointer: `/process/rlimits/${index}`,
      resource: rlimitTypes.indexOf(type),
      soft,
      hard,
    }),
  );
  if (!inUserNamespace || limits.length === 0) return { init: limits, helper: [] };
  const [pointer, stage] = ['', stages.limits];
  return {
    init: [
      { op: 'notifyParent', pointer, stage },
      { op: 'waitForParent', pointer, stage },
    ],
    helper: [{ op: 'waitForChild', pointer, stage }, ...limits, { op: 'notifyChild', pointer, stage }],
  };
}
