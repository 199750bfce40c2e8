import { type Assembler, branch, type Label, load, returnValue } from './assembler.ts';
import { writeComparison } from './comparison.ts';
import type { Rule } from './rules.ts';

/** The 32 bits of seccomp_data.nr, cut into ranges that share a verdict: the one at `n` starts at starts[n] and ends before starts[n + 1]. */
export interface Ranges {
  readonly starts: number[];
  readonly targets: Label[];
}

/** Add a range at the end; one that continues the last is merged with it. */
export function addRange({ starts, targets }: Ranges, start: number, target: Label): void {
  if (starts[starts.length - 1] === start) {
    starts.pop();
    targets.pop();
  }
  if (targets[targets.length - 1] === target) return;
  starts.push(start);
  targets.push(target);
}

/** Load the call's number and search its range by halving. */
export function writeSearch(assembler: Assembler, ranges: Ranges): Label {
  const label = writeHalf(assembler, ranges, 0, ranges.starts.length);
  return ranges.starts.length > 1 ? load(assembler, 0) : label;
}

function writeHalf(assembler: Assembler, ranges: Ranges, from: number, to: number): Label {
  const { starts, targets } = ranges;
  if (to - from === 1) return at(targets, from);
  // A single number between two ranges of one verdict takes one test instead of two.
  if (to - from === 3 && at(targets, from) === at(targets, from + 2) && at(starts, from + 2) - at(starts, from + 1) === 1) {
    return branch(assembler, 'equal', at(starts, from + 1), at(targets, from + 1), at(targets, from));
  }
  const middle = (from + to) >> 1;
  const upper = writeHalf(assembler, ranges, middle, to);
  const lower = writeHalf(assembler, ranges, from, middle);
  return branch(assembler, 'greaterOrEqual', at(starts, middle), upper, lower);
}

/** The rules of one call, asked in turn; if none matches, `otherwise` is returned. */
export function writeRules(assembler: Assembler, rules: readonly Rule[], otherwise: number): Label {
  let next = returnValue(assembler, otherwise);
  for (const { comparisons, returns } of rules.toReversed()) {
    const matched = returnValue(assembler, returns);
    let label = matched;
    for (const comparison of comparisons.toReversed()) label = writeComparison(assembler, comparison, label, next);
    next = label;
  }
  return next;
}

function at(numbers: readonly number[], index: number): number {
  const number = numbers[index];
  if (number === undefined) throw new RangeError(`no range ${index}`);
  return number;
}
