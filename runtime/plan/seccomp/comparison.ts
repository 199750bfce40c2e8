import type { SeccompOperator } from '../../config/config.ts';
import { type Assembler, branch, type Label, load, mask } from './assembler.ts';

/** A condition on one argument, as 32-bit words: seccomp's BPF has no 64-bit loads. */
export interface Comparison {
  readonly argument: number;
  readonly operator: SeccompOperator;
  readonly high: number;
  readonly low: number;
  /** Bits that count, for MASKED_EQ; all ones otherwise, but that a 32-bit comparison has no high ones. */
  readonly highMask: number;
  readonly lowMask: number;
}

const allOnes = 0xffffffff;

/**
 * The comparison for a condition of a profile, or null if it holds for every value (a mask of zero). For MASKED_EQ `value` is the mask
 * and `valueTwo` the datum. Of 32 bits only the low word counts on either side, as in libseccomp: -1 is written as 2^64 - 1 or 2^32 - 1.
 */
export function comparisonOf(
  argument: number,
  operator: SeccompOperator,
  value: bigint,
  valueTwo: bigint,
  bits: 32 | 64,
): Comparison | null {
  const masked = operator === 'SCMP_CMP_MASKED_EQ';
  const datum = masked ? valueTwo : value;
  const highMask = bits === 32 ? 0 : masked ? highWord(value) : allOnes;
  const lowMask = masked ? lowWord(value) : allOnes;
  if (highMask === 0 && lowMask === 0) return null;
  const high = (highWord(datum) & highMask) >>> 0;
  return { argument, operator, high, low: (lowWord(datum) & lowMask) >>> 0, highMask, lowMask };
}

/** Write the test of one condition. */
export function writeComparison(assembler: Assembler, comparison: Comparison, whenTrue: Label, whenFalse: Label): Label {
  switch (comparison.operator) {
    case 'SCMP_CMP_EQ':
    case 'SCMP_CMP_MASKED_EQ':
      return writeEquality(assembler, comparison, whenTrue, whenFalse);
    case 'SCMP_CMP_NE':
      return writeEquality(assembler, comparison, whenFalse, whenTrue);
    case 'SCMP_CMP_GT':
      return writeOrder(assembler, comparison, 'greater', whenTrue, whenFalse);
    case 'SCMP_CMP_LE':
      return writeOrder(assembler, comparison, 'greater', whenFalse, whenTrue);
    case 'SCMP_CMP_GE':
      return writeOrder(assembler, comparison, 'greaterOrEqual', whenTrue, whenFalse);
    case 'SCMP_CMP_LT':
      return writeOrder(assembler, comparison, 'greaterOrEqual', whenFalse, whenTrue);
  }
}

function writeEquality(assembler: Assembler, { argument, high, low, highMask, lowMask }: Comparison, equal: Label, other: Label): Label {
  let label = equal;
  if (lowMask !== 0) label = writeWord(assembler, lowOffset(argument), lowMask, low, label, other);
  if (highMask !== 0) label = writeWord(assembler, highOffset(argument), highMask, high, label, other);
  return label;
}

function writeWord(assembler: Assembler, offset: number, bits: number, datum: number, equal: Label, other: Label): Label {
  branch(assembler, 'equal', datum, equal, other);
  if (bits !== allOnes) mask(assembler, bits);
  return load(assembler, offset);
}

// The high words decide unless they are equal.
function writeOrder(
  assembler: Assembler,
  { argument, high, low, highMask }: Comparison,
  test: 'greater' | 'greaterOrEqual',
  whenTrue: Label,
  whenFalse: Label,
): Label {
  branch(assembler, test, low, whenTrue, whenFalse);
  const lowWords = load(assembler, lowOffset(argument));
  if (highMask === 0) return lowWords;
  const sameHigh = branch(assembler, 'equal', high, lowWords, whenFalse);
  branch(assembler, 'greater', high, whenTrue, sameHigh);
  return load(assembler, highOffset(argument));
}

// struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }, little endian on both machines.
function lowOffset(argument: number): number {
  return 16 + 8 * argument;
}

function highOffset(argument: number): number {
  return lowOffset(argument) + 4;
}

function highWord(value: bigint): number {
  return Number((value >> 32n) & 0xffffffffn);
}

function lowWord(value: bigint): number {
  return Number(value & 0xffffffffn);
}
