import type { Report } from './problem.ts';
import {
  absentIfEmpty,
  array,
  type Draft,
  type Infer,
  integer,
  nonEmptyString,
  object,
  oneOf,
  refine,
  string,
  uint32,
  uint64,
} from './schema.ts';

export const seccompActions = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const;

export const seccompArchitectures = [
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
] as const;

export const seccompFlags = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const;

export const seccompOperators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

const action = oneOf(seccompActions);

const argument = object({ index: integer(0, 5), value: uint64, op: oneOf(seccompOperators) }, { valueTwo: uint64 });

const syscall = refine(
  object({ names: array(nonEmptyString, { min: 1 }), action }, { errnoRet: uint32, args: array(argument) }),
  (draft, report) => {
    reportErrno('errnoRet', draft.action, draft.errnoRet, report);
    // The agent itself answers by write(2) in many programs; a container whose every write waits for it cannot report anything.
    const write = draft.action === 'SCMP_ACT_NOTIFY' ? (draft.names?.indexOf('write') ?? -1) : -1;
    if (write >= 0) report.error(['names', write], 'must not be write: SCMP_ACT_NOTIFY cannot be used for it');
  },
);

const seccompShape = object(
  { defaultAction: action },
  {
    defaultErrnoRet: uint32,
    architectures: array(oneOf(seccompArchitectures)),
    flags: array(oneOf(seccompFlags)),
    listenerPath: absentIfEmpty(string),
    listenerMetadata: absentIfEmpty(string),
    syscalls: array(syscall),
  },
);

/** config-linux.md#seccomp. */
export const seccomp = refine(seccompShape, reportSeccomp);

export type Seccomp = Infer<typeof seccompShape>;
export type Syscall = Infer<typeof syscall>;
export type SyscallArgument = Infer<typeof argument>;
export type SeccompAction = (typeof seccompActions)[number];
export type SeccompArchitecture = (typeof seccompArchitectures)[number];
export type SeccompFlag = (typeof seccompFlags)[number];
export type SeccompOperator = (typeof seccompOperators)[number];

function reportSeccomp(draft: Draft<Seccomp>, report: Report): void {
  reportErrno('defaultErrnoRet', draft.defaultAction, draft.defaultErrnoRet, report);
  reportListener(draft, report);
}

// "When the action doesn't support an errno, the runtime MUST print an error and fail."
function reportErrno(name: string, of: SeccompAction | undefined, errno: number | undefined, report: Report): void {
  if (of === undefined || errno === undefined) return;
  const largest = largestErrno[of];
  if (largest === undefined) report.error([name], `must be left out: ${of} has no errno`);
  else if (errno > largest) report.error([name], `must be at most ${largest} with ${of}, not ${errno}`);
}

// The kernel caps an errno at MAX_ERRNO; SECCOMP_RET_TRACE hands 16 bits to the tracer (seccomp(2)).
const largestErrno: Readonly<Partial<Record<SeccompAction, number>>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 0xffff };

function reportListener(draft: Draft<Seccomp>, report: Report): void {
  const { defaultAction, listenerPath, listenerMetadata, flags } = draft;
  // The default covers the calls by which init sends the listener away: nobody could ever answer.
  if (defaultAction === 'SCMP_ACT_NOTIFY') report.error(['defaultAction'], 'must not be SCMP_ACT_NOTIFY: init itself would wait for ever');
  const notifying = draft.syscalls?.findIndex((entry) => entry?.action === 'SCMP_ACT_NOTIFY') ?? -1;
  if (notifying >= 0 && listenerPath === undefined) report.error(['listenerPath'], 'must be given: SCMP_ACT_NOTIFY is used');
  if (listenerMetadata !== undefined && listenerPath === undefined)
    report.error(['listenerMetadata'], 'must not be given without listenerPath');
  const killable = flags?.indexOf('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') ?? -1;
  if (killable >= 0 && notifying < 0) report.warning(['flags', killable], 'must come with SCMP_ACT_NOTIFY; it is ignored');
}
