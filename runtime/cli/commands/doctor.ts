import { type Check, checkHost } from '../../doctor/checks.ts';
import { readDoctorFacts } from '../../host/doctor-facts.ts';
import { exit, print } from '../../plan/print.ts';
import { isSet } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';

/** Status 1 if any check fails; a warning is none. */
export const doctor: CommandHandler = (caller, { flags }) => {
  const checks = checkHost(readDoctorFacts({ pid: caller.pid, uid: caller.uid, env: caller.env }));
  const text = isSet(flags, 'json') ? `${JSON.stringify(checks, null, 2)}\n` : checks.map(renderCheck).join('');
  return [print(1, text), exit(checks.some(({ status }) => status === 'fail') ? 1 : 0)];
};

/** "warn  filesystem-overlay  what was found", then the remedy. */
export function renderCheck({ id, status, found, fix }: Check): string {
  return `${status.padEnd(5)} ${id.padEnd(26)} ${found}\n${fix === undefined ? '' : `      fix: ${fix}\n`}`;
}
