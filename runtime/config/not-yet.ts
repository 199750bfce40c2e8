import type { Config } from './config.ts';
import { makeProblem, type Path, type Problem } from './problem.ts';

/** What a valid configuration asks for and this version of krun does not carry out: refused, never skipped in silence. */
export function refuseNotYet(config: Config): Problem[] {
  return wishesOf(config)
    .filter(({ isAskedFor }) => isAskedFor)
    .map(({ path }) => makeProblem(path, 'error', 'must be left out: krun does not carry it out yet', { code: 'E_NOT_YET' }));
}

interface Wish {
  readonly path: Path;
  readonly isAskedFor: boolean;
}

function wishesOf({ linux }: Config): readonly Wish[] {
  const notifying = linux?.seccomp?.syscalls?.findIndex(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? -1;
  return [{ path: ['linux', 'seccomp', 'syscalls', notifying, 'action'], isAskedFor: notifying >= 0 }];
}
