import type { Seccomp, SeccompArchitecture } from '../../config/config.ts';
import { KrunError } from '../../errors/krun-error.ts';
import { killProcess, returnEnosys } from './actions.ts';
import { type CallingConvention, filteredConventions, isFiltered, type NativeArchitecture, type TableRange } from './architectures.ts';
import { type Assembler, assemble, branch, type Label, load, maximumLength, newAssembler, returnValue } from './assembler.ts';
import { filterFlags } from './flags.ts';
import { forbidsNothing } from './forbids-nothing.ts';
import { type ResolvedProfile, resolveProfile } from './resolve-profile.ts';
import { rulesForTable, type Verdict } from './rules.ts';
import { addRange, type Ranges, writeRules, writeSearch } from './write-search.ts';

export interface CompiledSeccomp {
  /** struct sock_filter[], little endian, for seccomp(SECCOMP_SET_MODE_FILTER). */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
}

/**
 * Compile linux.seccomp to a classic BPF program; null when it forbids nothing (no rules, and the default is ALLOW).
 *
 * The machine's own architecture is always filtered. A call by way of an architecture that the profile does not list kills the process
 * (libseccomp: the thread, which leaves a process without it), and so does an x32 call where X32 is not listed. Where the default is
 * not permissive, a call newer than the newest that the profile names answers ENOSYS, so that C libraries fall back (as runc).
 * Throws KrunError E_SECCOMP.
 */
export function compileSeccomp(profile: Seccomp, native: NativeArchitecture): CompiledSeccomp | null {
  if (forbidsNothing(profile)) return null;
  const resolved = resolveProfile(profile);
  const listed = profile.architectures ?? [];
  const assembler = newAssembler();
  let label = returnValue(assembler, killProcess);
  const sections = filteredConventions(native, listed)
    .toReversed()
    .map((convention) => ({ audit: convention.audit, label: writeConvention(assembler, resolved, convention, native, listed) }));
  for (const section of sections) label = branch(assembler, 'equal', section.audit, section.label, label);
  load(assembler, 4); // seccomp_data.arch: numbers mean nothing before it is known
  if (assembler.code.length > maximumLength) throw tooLong(assembler.code.length);
  return { program: assemble(assembler), flags: filterFlags(profile) };
}

function writeConvention(
  assembler: Assembler,
  profile: ResolvedProfile,
  { tables }: CallingConvention,
  native: NativeArchitecture,
  listed: readonly SeccompArchitecture[],
): Label {
  const ranges: Ranges = { starts: [], targets: [] };
  let unknown = profile.defaultReturn;
  for (const range of tables) {
    if (isFiltered(range, native, listed)) unknown = addTable(assembler, ranges, profile, range);
    else addRange(ranges, range.first, returnValue(assembler, killProcess));
  }
  // -1 is no x32 call, though it has the bit: a tracer sets it to skip a call (seccomp(2)).
  addRange(ranges, 0xffffffff, returnValue(assembler, unknown));
  return writeSearch(assembler, ranges);
}

// Returns what a number behind all that the profile names is answered.
function addTable(assembler: Assembler, ranges: Ranges, profile: ResolvedProfile, range: TableRange): number {
  const { verdicts, newest } = rulesForTable(profile, range);
  const otherwise = returnValue(assembler, profile.defaultReturn);
  let next = 0;
  // A typed array sorts by number on its own: a start has no time for hundreds of calls of a comparison that is not compiled yet.
  for (const number of Uint32Array.from(verdicts.keys()).sort()) {
    if (number !== next) addRange(ranges, range.first + next, otherwise);
    addRange(ranges, range.first + number, writeVerdict(assembler, verdicts.get(number), profile.defaultReturn));
    next = number + 1;
  }
  addRange(ranges, range.first + next, otherwise);
  const unknown = profile.answersEnosys && newest >= 0 ? returnEnosys : profile.defaultReturn;
  addRange(ranges, range.first + newest + 1, returnValue(assembler, unknown));
  return unknown;
}

function writeVerdict(assembler: Assembler, verdict: Verdict | undefined, otherwise: number): Label {
  return typeof verdict === 'number' ? returnValue(assembler, verdict) : writeRules(assembler, verdict ?? [], otherwise);
}

function tooLong(length: number): KrunError {
  return new KrunError('E_SECCOMP', `the filter has ${length} instructions, and the kernel takes ${maximumLength}`, {
    pointer: '/linux/seccomp/syscalls',
    hint: 'use fewer rules with conditions, or fewer architectures',
  });
}
