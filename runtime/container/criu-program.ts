// Which criu is there. A supervisor runs nothing: the helper runs `criu --version`, and the call is asked once more with what it printed.
import type { FollowUp } from '../channel/decode-request.ts';
import { KrunError } from '../errors/krun-error.ts';
import { findCriuProgram } from '../host/criu-program.ts';
import type { CriuProgram } from '../plan/criu.ts';
import type { Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';

/** The oldest that knows all that is asked of it, and cgroup v2: 3.16. */
const oldest = [3, 16] as const;

/** The program, from the caller's PATH or where root's programs are. Throws E_NO_CRIU. */
export function findCriu({ env }: Caller): CriuProgram {
  const path = findCriuProgram(env);
  if (path === null) throw new KrunError('E_NO_CRIU', 'criu is not installed', { hint: 'install the package criu, 4.1 or later' });
  return { path, environment: [...env].map(([name, value]) => `${name}=${value}`) };
}

/** For a first question. */
export function askForVersion({ path, environment }: CriuProgram): Plan {
  return [
    { op: 'captureOutput', pointer: '', path, arguments: ['criu', '--version'], environment },
    { op: 'askAgain', pointer: '', memo: '' },
  ];
}

/** Of the question that follows. Throws E_NO_CRIU for a criu that is too old, or is none. */
export function requireVersion({ path }: CriuProgram, { input }: FollowUp): void {
  const text = new TextDecoder().decode(input);
  const [, version = '', major = '', minor = ''] = /^Version:\s*((\d+)\.(\d+)\S*)/m.exec(text) ?? [];
  if (version === '') throw new KrunError('E_NO_CRIU', `${path} does not tell its version`, { path });
  const isEnough = Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  if (isEnough) return;
  throw new KrunError('E_NO_CRIU', `criu ${version} is too old: ${oldest.join('.')} is needed`, {
    path,
    hint: 'install criu 4.1 or later',
  });
}
