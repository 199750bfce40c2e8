import { KrunError } from '../../errors/krun-error.ts';
import { filterReturn, isPermissive, returnEnosys } from './actions.ts';
import { architectureNames } from './architectures.ts';
import { type Operator, operators } from './comparison.ts';
import type { SeccompArgument, SeccompProfile, SeccompRule } from './profile.ts';

/** A profile whose every part is known to be good, with actions as return values of the filter. */
export interface CheckedProfile {
  readonly defaultReturn: number;
  /** Whether calls newer than any that the profile names answer ENOSYS. */
  readonly answersEnosys: boolean;
  readonly rules: readonly CheckedRule[];
}

export interface CheckedRule {
  readonly names: readonly string[];
  readonly returns: number;
  /** Each list's conditions hold together; any one list is enough. No condition at all is one empty list. */
  readonly alternatives: readonly (readonly Condition[])[];
  readonly pointer: string;
}

export interface Condition {
  readonly index: number;
  readonly operator: Operator;
  readonly value: bigint;
  readonly valueTwo: bigint;
}

const root = '/linux/seccomp';
const unconditional: readonly (readonly Condition[])[] = [[]];

/** Check a profile (config-linux.md#seccomp). Throws KrunError: E_SECCOMP, or E_NOT_YET for SCMP_ACT_NOTIFY. */
export function checkProfile(profile: SeccompProfile): CheckedProfile {
  checkArchitectures(profile.architectures ?? []);
  checkListener(profile);
  const pointers = { action: `${root}/defaultAction`, errnoRet: `${root}/defaultErrnoRet` };
  if (profile.defaultAction === 'SCMP_ACT_NOTIFY') {
    throw new KrunError('E_SECCOMP', 'SCMP_ACT_NOTIFY cannot be the default action', { pointer: pointers.action });
  }
  const defaultReturn = filterReturn(profile.defaultAction, profile.defaultErrnoRet, pointers);
  return {
    defaultReturn,
    answersEnosys: !isPermissive(profile.defaultAction) && defaultReturn !== returnEnosys,
    rules: (profile.syscalls ?? []).map((rule, index) => checkRule(rule, `${root}/syscalls/${index}`, profile)),
  };
}

function checkArchitectures(architectures: readonly string[]): void {
  for (const [index, architecture] of architectures.entries()) {
    if (architectureNames.includes(architecture)) continue;
    throw new KrunError('E_SECCOMP', `${architecture} is not an architecture`, { pointer: `${root}/architectures/${index}` });
  }
}

function checkListener(profile: SeccompProfile): void {
  if (profile.listenerMetadata === undefined || profile.listenerPath) return;
  throw new KrunError('E_SECCOMP', 'listenerMetadata needs a listenerPath', { pointer: `${root}/listenerMetadata` });
}

function checkRule(rule: SeccompRule, pointer: string, profile: SeccompProfile): CheckedRule {
  if (rule.names.length === 0) throw new KrunError('E_SECCOMP', 'a rule must name a system call', { pointer: `${pointer}/names` });
  if (rule.action === 'SCMP_ACT_NOTIFY') throw notifyError(rule, pointer, profile);
  const pointers = { action: `${pointer}/action`, errnoRet: `${pointer}/errnoRet` };
  return {
    names: rule.names,
    returns: filterReturn(rule.action, rule.errnoRet, pointers),
    alternatives: alternativesOf(rule.args ?? [], `${pointer}/args`),
    pointer,
  };
}

// A profile that could never work is told so; one that is right meets what krun cannot do so far.
function notifyError(rule: SeccompRule, pointer: string, profile: SeccompProfile): KrunError {
  if (rule.names.includes('write')) {
    return new KrunError('E_SECCOMP', 'SCMP_ACT_NOTIFY cannot be used for write', { pointer: `${pointer}/names` });
  }
  if (!profile.listenerPath) return new KrunError('E_SECCOMP', 'SCMP_ACT_NOTIFY needs a listenerPath', { pointer: `${root}/listenerPath` });
  return new KrunError('E_NOT_YET', 'SCMP_ACT_NOTIFY is not carried out yet', { pointer: `${pointer}/action` });
}

// Conditions that share an argument are alternatives to each other, and so then is every other of the rule: what runc does, because
// libseccomp takes one condition an argument.
function alternativesOf(args: readonly SeccompArgument[], pointer: string): readonly (readonly Condition[])[] {
  if (args.length === 0) return unconditional;
  const conditions = args.map((argument, index) => checkArgument(argument, `${pointer}/${index}`));
  const indexes = new Set(conditions.map((condition) => condition.index));
  if (indexes.size < conditions.length) return conditions.map((condition) => [condition]);
  return [conditions.sort((one, other) => one.index - other.index)];
}

function checkArgument({ index, op, value, valueTwo }: SeccompArgument, pointer: string): Condition {
  if (!Number.isInteger(index) || index < 0 || index > 5) {
    throw new KrunError('E_SECCOMP', `a system call has arguments 0 to 5, not ${index}`, { pointer: `${pointer}/index` });
  }
  const operator = operators.find((name) => name === op);
  if (operator === undefined) throw new KrunError('E_SECCOMP', `${op} is not an operator`, { pointer: `${pointer}/op` });
  return { index, operator, value, valueTwo: valueTwo ?? 0n };
}
