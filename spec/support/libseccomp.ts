import { spawnSync } from 'node:child_process';
import type { Seccomp, SeccompArchitecture } from '../../runtime/config/config.ts';

const python = '/usr/bin/python3';
const script = new URL('libseccomp-export.py', import.meta.url).pathname;

/** A program, or why libseccomp refused the profile. */
export type Exported = { readonly program: Uint8Array } | { readonly error: string };

/** Whether Debian's python3-seccomp is there. */
export function hasLibseccomp(): boolean {
  return spawnSync(python, ['-c', 'import seccomp']).status === 0;
}

/** What libseccomp makes of profiles, driven as runc does it, for exactly the architectures that they list. */
export function exportPrograms(profiles: readonly Seccomp[], optimize = false): readonly Exported[] {
  const answers: { program?: string; error?: string }[] = ask(profiles.map((profile) => requestOf(profile, optimize)));
  return answers.map(({ program, error }) =>
    program === undefined ? { error: error ?? '' } : { program: Buffer.from(program, 'base64') },
  );
}

/** The numbers of the system calls that libseccomp knows, without x32's bit 30. */
export function knownNumbers(): Record<SeccompArchitecture, Record<string, number>> {
  return ask({ numbers: true });
}

function ask<Answer>(request: unknown): Answer {
  const { stdout, stderr, status } = spawnSync(python, [script], { input: JSON.stringify(request), maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

function requestOf(profile: Seccomp, optimize: boolean): unknown {
  const rules = (profile.syscalls ?? []).flatMap(({ names, action, errnoRet, args }) =>
    names.map((name) => ({
      name,
      returns: actionValue(action, errnoRet),
      args: (args ?? []).map(({ index, op, value, valueTwo }) => [index, op.replace('SCMP_CMP_', ''), `${value}`, `${valueTwo ?? 0}`]),
    })),
  );
  return {
    default: actionValue(profile.defaultAction, profile.defaultErrnoRet),
    architectures: profile.architectures ?? [],
    optimize,
    rules,
  };
}

// Written out a second time on purpose: SCMP_ACT_* of seccomp.h.
function actionValue(action: string, errno = 1): number {
  if (action === 'SCMP_ACT_ERRNO') return 0x50000 + errno;
  if (action === 'SCMP_ACT_TRACE') return 0x7ff00000 + errno;
  if (action === 'SCMP_ACT_ALLOW') return 0x7fff0000;
  if (action === 'SCMP_ACT_LOG') return 0x7ffc0000;
  if (action === 'SCMP_ACT_TRAP') return 0x30000;
  return action === 'SCMP_ACT_KILL_PROCESS' ? 0x80000000 : 0;
}
