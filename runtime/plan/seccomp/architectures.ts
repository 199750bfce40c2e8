import type { SeccompArchitecture } from '../../config/config.ts';
import type { SyscallTable } from './syscall-numbers.ts';

export type NativeArchitecture = 'x86_64' | 'aarch64';

/** A value of seccomp_data.arch, and the tables of system calls that programs reach through it. */
export interface CallingConvention {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly tables: readonly TableRange[];
}

/** Where one table's numbers lie within the 32 bits of seccomp_data.nr: from `first` up to the next range. */
export interface TableRange {
  readonly table: SyscallTable;
  readonly first: number;
  /** Bits of an argument that a rule compares. libseccomp gives x32 32 as well; krun follows. */
  readonly argumentBits: 32 | 64;
  /** The runtime-spec's name: the range is filtered if the profile lists it or it is the machine's own, else it kills. */
  readonly architecture: SeccompArchitecture;
}

/** Bit 30 of a number marks an x32 call; seccomp_data.arch is the same as for x86_64 (arch/x86/include/uapi/asm/unistd.h). */
export const x32Bit = 0x40000000;

const x86_64: CallingConvention = {
  audit: 0xc000003e,
  tables: [
    { table: 'x86_64', first: 0, argumentBits: 64, architecture: 'SCMP_ARCH_X86_64' },
    { table: 'x32', first: x32Bit, argumentBits: 32, architecture: 'SCMP_ARCH_X32' },
  ],
};
const x86: CallingConvention = {
  audit: 0x40000003,
  tables: [{ table: 'x86', first: 0, argumentBits: 32, architecture: 'SCMP_ARCH_X86' }],
};
const aarch64: CallingConvention = {
  audit: 0xc00000b7,
  tables: [{ table: 'aarch64', first: 0, argumentBits: 64, architecture: 'SCMP_ARCH_AARCH64' }],
};
const arm: CallingConvention = {
  audit: 0x40000028,
  tables: [{ table: 'arm', first: 0, argumentBits: 32, architecture: 'SCMP_ARCH_ARM' }],
};

const runnable = { x86_64: [x86_64, x86], aarch64: [aarch64, arm] } as const;

/**
 * The conventions to filter, the machine's own first, which is always filtered. Of the others those that the profile lists;
 * one that this machine cannot run (s390x on x86_64) never shows up in seccomp_data.arch, so nothing is compiled for it.
 */
export function filteredConventions(native: NativeArchitecture, listed: readonly SeccompArchitecture[]): readonly CallingConvention[] {
  const [own, ...others] = runnable[native];
  return [own, ...others.filter((convention) => convention.tables.some((range) => listed.includes(range.architecture)))];
}

/** Whether a range of numbers gets the profile's rules; the first of the machine's own convention always does. */
export function isFiltered(range: TableRange, native: NativeArchitecture, listed: readonly SeccompArchitecture[]): boolean {
  return range === runnable[native][0].tables[0] || listed.includes(range.architecture);
}
