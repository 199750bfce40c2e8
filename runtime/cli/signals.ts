import { nearestName } from '../config/nearest-name.ts';
import { usageError } from './parse.ts';

// signal(7), the same on x86_64 and arm64; the name's place is the number.
const names =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );
const otherNames: Readonly<Record<string, string>> = { IOT: 'ABRT', CLD: 'CHLD', POLL: 'IO', UNUSED: 'SYS' };
const first = 34;
const last = 64;

/** A signal by number (0 to 64) or by name in any case, with or without SIG; throws E_USAGE. */
export function signalNumber(signal: string): number {
  if (/^\d{1,2}$/.test(signal) && Number(signal) <= last) return Number(signal);
  const name = signal.toUpperCase().replace(/^SIG/, '');
  const number = realTime(name) ?? names.indexOf(otherNames[name] ?? name) + 1;
  if (number > 0) return number;
  const close = nearestName(name, names);
  throw usageError(
    `unknown signal "${signal}"`,
    close === undefined ? 'a number from 0 to 64 or a name such as SIGTERM' : `did you mean SIG${close}?`,
  );
}

// SIGRTMIN is 34 as libc counts: the first two belong to its threads.
function realTime(name: string): number | null {
  const [, base, offset = '0'] = /^(RTMIN|RTMAX)((?:[+-]\d{1,2})?)$/.exec(name) ?? [];
  if (base === undefined) return null;
  const number = (base === 'RTMIN' ? first : last) + Number(offset || '0');
  return number >= first && number <= last ? number : null;
}

/** Those that a shell is to offer. */
export function signalNames(): readonly string[] {
  return names;
}

/** SIGKILL for 9; "signal 40" for one without a name. */
export function signalName(number: number): string {
  const name = names[number - 1];
  return name === undefined ? `signal ${number}` : `SIG${name}`;
}
