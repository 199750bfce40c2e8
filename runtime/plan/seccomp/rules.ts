import { KrunError } from '../../errors/krun-error.ts';
import type { TableRange } from './architectures.ts';
import { type Comparison, comparisonOf } from './comparison.ts';
import { isIntArgument } from './int-arguments.ts';
import { multiplexed } from './multiplexed-calls.ts';
import type { Condition, ResolvedProfile } from './resolve-profile.ts';
import { syscallNumbers } from './syscall-numbers.ts';

/** What a profile says about the system calls of one table. */
export interface TableRules {
  readonly verdicts: ReadonlyMap<number, Verdict>;
  /** The greatest number that the profile names at all; -1 if it names none of this table. */
  readonly newest: number;
}

/** What happens to one system call: a return value if conditions have no say, else the first rule that matches, else the default. */
export type Verdict = number | readonly Rule[];

export interface Rule {
  /** All must hold; in the order of their arguments, never empty. */
  readonly comparisons: readonly Comparison[];
  readonly returns: number;
  readonly pointer: string;
  /** The multiplexer that the rule is for, if its call has one (multiplexed-calls.ts). */
  readonly via?: string;
}

/**
 * Sort a profile's rules by the numbers of one table, with libseccomp's precedence (runc is built on it): a rule without conditions
 * beats those with conditions, the first such rule the later ones; a rule that returns the default is none. Names that the table
 * lacks are skipped: profiles name calls of all machines. Throws E_SECCOMP for rules that contradict each other.
 */
export function rulesForTable(profile: ResolvedProfile, { table, argumentBits }: TableRange): TableRules {
  const numbers = syscallNumbers(table);
  const verdicts = new Map<number, Verdict>();
  let newest = -1;
  for (const { names, returns, alternatives, pointer } of profile.rules) {
    for (const name of names) {
      const number = numbers.get(name);
      if (number !== undefined && number > newest) newest = number;
      if (returns === profile.defaultReturn) continue;
      for (const conditions of alternatives) {
        if (number !== undefined) add(verdicts, number, { comparisons: comparisonsOf(name, conditions, argumentBits), returns, pointer });
        if (table === 'x86') addMultiplexed(verdicts, name, conditions, { returns, pointer });
      }
    }
  }
  return { verdicts, newest: Math.max(newest, ...verdicts.keys()) }; // socketcall may stand for a name that the table lacks
}

const none: readonly Comparison[] = [];

function comparisonsOf(name: string, conditions: readonly Condition[], argumentBits: 32 | 64): readonly Comparison[] {
  if (conditions.length === 0) return none;
  const comparisons: Comparison[] = [];
  for (const { index, operator, value, valueTwo } of conditions) {
    const comparison = comparisonOf(index, operator, value, valueTwo, isIntArgument(name, index) ? 32 : argumentBits);
    if (comparison !== null) comparisons.push(comparison);
  }
  return comparisons;
}

// As libseccomp: the condition on the first argument gives way to the call's number. The others stay, and compare what the multiplexer
// gets, which is a pointer: a rule with conditions cannot see the arguments there.
function addMultiplexed(
  verdicts: Map<number, Verdict>,
  name: string,
  conditions: readonly Condition[],
  rule: Omit<Rule, 'comparisons'>,
): void {
  const call = multiplexed(name);
  if (call === undefined) return;
  const number = syscallNumbers('x86').get(call.syscall);
  if (number === undefined) return;
  const others = conditions.filter((condition) => condition.index !== 0);
  add(verdicts, number, { ...rule, comparisons: [call.comparison, ...comparisonsOf(call.syscall, others, 32)], via: call.syscall });
}

function add(verdicts: Map<number, Verdict>, number: number, rule: Rule): void {
  const verdict = verdicts.get(number);
  if (typeof verdict === 'number') return;
  verdicts.set(number, rule.comparisons.length === 0 ? rule.returns : insert(verdict ?? [], rule));
}

// Rules with conditions are asked in this order, whatever theirs in the profile: those on later arguments first; on one argument
// equality before "less" before "greater"; then greater data first (for "less", smaller): the more special one wins. Only where rules
// of different actions overlap does it matter. A rule whose conditions begin with all of an earlier one's can never be asked; the
// other way round, with another action, one of the two rules is a mistake.
function insert(rules: readonly Rule[], rule: Rule): readonly Rule[] {
  for (const earlier of rules) {
    if (earlier.returns === rule.returns || !isPrefix(rule.comparisons, earlier.comparisons)) continue;
    const where = rule.via === undefined ? '' : ` by way of ${rule.via}, where a filter cannot see the arguments`;
    throw new KrunError('E_SECCOMP', `the rule contradicts ${earlier.pointer}${where}: same conditions, other action`, {
      pointer: rule.pointer,
      ...(rule.via && { hint: `add a rule without conditions for ${rule.via} before them, or leave SCMP_ARCH_X86 out` }),
    });
  }
  const at = rules.findIndex((earlier) => precedes(rule.comparisons, earlier.comparisons));
  return rules.toSpliced(at < 0 ? rules.length : at, 0, rule);
}

function isPrefix(short: readonly Comparison[], long: readonly Comparison[]): boolean {
  return short.every((comparison, index) => {
    const other = long[index];
    return other !== undefined && order(comparison, other) === 0 && comparison.operator === other.operator;
  });
}

function precedes(one: readonly Comparison[], other: readonly Comparison[]): boolean {
  for (const [index, comparison] of one.entries()) {
    const counterpart = other[index];
    if (counterpart === undefined) return false;
    const difference = order(comparison, counterpart);
    if (difference !== 0) return difference < 0;
    if (comparison.operator !== counterpart.operator) return false;
  }
  return one.length < other.length;
}

function order(one: Comparison, other: Comparison): number {
  return (
    other.argument - one.argument ||
    rank(other) - rank(one) ||
    data(one, other, one.high, other.high) ||
    other.highMask - one.highMask ||
    data(one, other, one.low, other.low) ||
    other.lowMask - one.lowMask
  );
}

function rank({ operator }: Comparison): number {
  if (operator === 'SCMP_CMP_GT' || operator === 'SCMP_CMP_GE') return 1;
  return operator === 'SCMP_CMP_LT' || operator === 'SCMP_CMP_LE' ? 2 : 3;
}

function data(one: Comparison, other: Comparison, oneDatum: number, otherDatum: number): number {
  return rank(one) === 2 && rank(other) === 2 ? oneDatum - otherDatum : otherDatum - oneDatum;
}
