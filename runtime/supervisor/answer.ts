import { decodeRequest } from '../channel/decode-request.ts';
import { encodePlan } from '../channel/encode-plan.ts';
import { handleCommand } from '../cli/handle.ts';
import { errorPlan } from '../cli/report.ts';
import { asKrunError } from '../errors/krun-error.ts';
import type { Plan } from '../plan/ops.ts';
import type { Home } from './home.ts';
import { NotServed } from './not-served.ts';

/**
 * One request's body → one plan's frame: all that a supervisor does, in either home. It keeps nothing between two requests:
 * a helper whose plan failed asks again and brings along what went wrong. Rejects with NotServed alone, and only in a resident supervisor.
 */
export async function answer(body: Uint8Array, home: Home | null = null): Promise<Uint8Array> {
  try {
    return encodePlan(await planFor(body, home));
  } catch (error) {
    if (error instanceof NotServed) throw error;
    return encodePlan(errorPlan(asKrunError(error), 1, { log: { file: null, format: 'text', level: 'error' }, now: new Date() }));
  }
}

async function planFor(body: Uint8Array, home: Home | null): Promise<Plan> {
  const { caller, failure, followUp } = decodeRequest(body);
  if (failure === null) return handleCommand(caller, followUp, home);
  const { handleFailure } = await import('../cli/handle-failure.ts');
  return handleFailure(caller, failure);
}
