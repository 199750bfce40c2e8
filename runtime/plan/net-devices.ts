import type { Config } from '../config/config.ts';
import type { Op } from './ops.ts';
import { stages } from './stages.ts';

export interface NetDevicePlan {
  /** First thing in init, once it is in its network namespace: sysctls may be of these devices. */
  readonly init: readonly Op[];
  /** In the helper, after the clone. */
  readonly helper: readonly Op[];
}

/** linux.netDevices: devices of the host move to the container, which they leave with its network namespace. */
export function planNetDevices({ linux }: Pick<Config, 'linux'>): NetDevicePlan {
  const moves = Object.entries(linux?.netDevices ?? {}).map(
    ([name, device]): Op => ({
      op: 'moveNetDevice',
      pointer: `/linux/netDevices/${name.replaceAll('~', '~0')}`,
      name,
      to: device.name ?? name,
    }),
  );
  if (moves.length === 0) return { init: [], helper: [] };
  const [pointer, stage] = ['', stages.networked];
  return {
    init: [
      { op: 'notifyParent', pointer, stage },
      { op: 'waitForParent', pointer, stage },
    ],
    helper: [{ op: 'waitForChild', pointer, stage }, ...moves, { op: 'notifyChild', pointer, stage }],
  };
}
