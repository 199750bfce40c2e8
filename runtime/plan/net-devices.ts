import type { Config } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Op } from './ops.ts';
import { stages } from './stages.ts';

export interface NetDevicePlan {
  /** First thing in init, once it is in its network namespace: sysctls may be of these devices. */
  readonly init: readonly Op[];
  /** In the helper, after the clone. */
  readonly helper: readonly Op[];
}

/** linux.netDevices: devices of the host move to the container, which they leave with its network namespace. E_NET_DEVICE without privileges. */
export function planNetDevices({ linux }: Pick<Config, 'linux'>, privileged = true): NetDevicePlan {
  const moves = Object.entries(linux?.netDevices ?? {}).map(
    ([name, device]): Op => ({
      op: 'moveNetDevice',
      pointer: `/linux/netDevices/${name.replaceAll('~', '~0')}`,
      name,
      to: device.name ?? name,
    }),
  );
  const [first] = moves;
  if (first === undefined) return { init: [], helper: [] };
  if (!privileged)
    throw new KrunError('E_NET_DEVICE', "a network device of the host can only be moved by the host's root", {
      pointer: first.pointer,
      hint: 'leave linux.netDevices out; slirp4netns or pasta connect a network namespace without privileges',
    });
  const [pointer, stage] = ['', stages.networked];
  return {
    init: [
      { op: 'notifyParent', pointer, stage },
      { op: 'waitForParent', pointer, stage },
    ],
    helper: [{ op: 'waitForChild', pointer, stage }, ...moves, { op: 'notifyChild', pointer, stage }],
  };
}
