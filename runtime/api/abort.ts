import { signalNumber } from '../cli/signals.ts';
import type { Call } from './call.ts';
import type { ProcessOptions } from './options.ts';

const sigkill = 9;
const defaultTimeout = 10_000;

/** Ends the call when the program's signal is aborted, now or later: by SIGKILL, or by stopSignal and SIGKILL after a time. */
export function endOnAbort(call: Call, { signal, stopSignal, stopTimeout = defaultTimeout }: ProcessOptions): void {
  if (signal === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  let hasStarted = false;
  const end = () => {
    if (stopSignal === undefined || !hasStarted) return call.signal(sigkill);
    call.signal(signalNumber(String(stopSignal)));
    timer = setTimeout(() => call.signal(sigkill), stopTimeout);
  };
  const over = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  };
  call.started.then((pid) => (hasStarted = pid !== null)).catch(() => {});
  call.outcome.then(over, over);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
}
