import type { Seccomp, SeccompOperator, Syscall, SyscallArgument } from '../../config/config.ts';
import { filterReturn, isPermissive, returnEnosys } from './actions.ts';

/** A profile with its actions as return values of the filter, and its conditions as alternatives. */
export interface ResolvedProfile {
  readonly defaultReturn: number;
  /** Whether calls newer than any that the profile names answer ENOSYS. */
  readonly answersEnosys: boolean;
  readonly rules: readonly ResolvedRule[];
}

export interface ResolvedRule {
  readonly names: readonly string[];
  readonly returns: number;
  /** Each list's conditions hold together; any one list is enough. No condition at all is one empty list. */
  readonly alternatives: readonly (readonly Condition[])[];
  readonly pointer: string;
}

export interface Condition {
  readonly index: number;
  readonly operator: SeccompOperator;
  readonly value: bigint;
  readonly valueTwo: bigint;
}

const unconditional: readonly (readonly Condition[])[] = [[]];

/** Resolve a validated profile. */
export function resolveProfile(profile: Seccomp): ResolvedProfile {
  const defaultReturn = filterReturn(profile.defaultAction, profile.defaultErrnoRet);
  return {
    defaultReturn,
    // As in runc. A permissive default lets newer calls reach the kernel; a default of ENOSYS answers them as it is.
    answersEnosys: !isPermissive(profile.defaultAction) && defaultReturn !== returnEnosys,
    rules: (profile.syscalls ?? []).map((rule, index) => resolveRule(rule, `/linux/seccomp/syscalls/${index}`)),
  };
}

function resolveRule({ names, action, errnoRet, args }: Syscall, pointer: string): ResolvedRule {
  const returns = filterReturn(action, errnoRet);
  return { names, returns, alternatives: alternativesOf(args ?? []), pointer };
}

// Conditions that share an argument are alternatives to each other, and so then is every other of the rule: what runc does, because
// libseccomp takes one condition an argument.
function alternativesOf(args: readonly SyscallArgument[]): readonly (readonly Condition[])[] {
  if (args.length === 0) return unconditional;
  const conditions = args.map(({ index, op, value, valueTwo }) => ({ index, operator: op, value, valueTwo: valueTwo ?? 0n }));
  const indexes = new Set(conditions.map((condition) => condition.index));
  if (indexes.size < conditions.length) return conditions.map((condition) => [condition]);
  return [conditions.sort((one, other) => one.index - other.index)];
}
