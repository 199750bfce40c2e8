import { KrunError } from '../errors/krun-error.ts';
import type { Caller } from './caller.ts';

/**
 * How many sockets the caller hands to the container from descriptor 3 on, as sd_listen_fds(3) has it: LISTEN_FDS counts only when
 * LISTEN_PID says that they are for this very process. Throws E_USAGE for what is no number.
 */
export function countListenFds({ env, pid }: Pick<Caller, 'env' | 'pid'>): number {
  if (env.get('LISTEN_PID') !== String(pid)) return 0;
  const count = env.get('LISTEN_FDS') ?? '0';
  if (/^\d{1,5}$/.test(count)) return Number(count);
  throw new KrunError('E_USAGE', `LISTEN_FDS must be a number, and is ${JSON.stringify(count)}`, {
    hint: 'unset LISTEN_FDS and LISTEN_PID',
  });
}

/** The variables by which the container's first process finds them: it is 1 in its pid namespace. */
export function listenVariables(count: number): readonly string[] {
  return count === 0 ? [] : [`LISTEN_FDS=${count}`, 'LISTEN_PID=1'];
}
