import type { Config } from '../config/config.ts';
import type { Op } from './ops.ts';

/** A new network namespace comes with its lo down; a joined one is somebody else's. */
export function planLoopback({ linux }: Pick<Config, 'linux'>): readonly Op[] {
  const index = linux?.namespaces?.findIndex(({ type, path }) => type === 'network' && path === undefined) ?? -1;
  return index < 0 ? [] : [{ op: 'bringLoopbackUp', pointer: `/linux/namespaces/${index}` }];
}
