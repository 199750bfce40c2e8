import { syscalls as aarch64 } from './syscalls-aarch64.ts';
import { syscalls as arm } from './syscalls-arm.ts';
import { syscalls as x32 } from './syscalls-x32.ts';
import { syscalls as x86 } from './syscalls-x86.ts';
import { syscalls as x86_64 } from './syscalls-x86-64.ts';

const tables = { x86_64, x32, x86, aarch64, arm };

/** A table of system calls. x32 is one of its own: its calls differ from x86_64's in number, and carry bit 30. */
export type SyscallTable = keyof typeof tables;

const parsed = new Map<SyscallTable, ReadonlyMap<string, number>>();

/** The numbers of a table's system calls by name, for x32 without bit 30. Parsed at the first call: a start needs two or three of them. */
export function syscallNumbers(table: SyscallTable): ReadonlyMap<string, number> {
  const known = parsed.get(table);
  if (known !== undefined) return known;
  const numbers = parseNumbers(tables[table]);
  parsed.set(table, numbers);
  return numbers;
}

/** Read a list of names in the order of their numbers, in which a number says where to go on. */
export function parseNumbers(text: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const token of text.trim().replaceAll('\n', ' ').split(' ')) {
    if (isNumber(token)) next = Number(token);
    else numbers.set(token, next++);
  }
  return numbers;
}

// A name may hold digits, but none begins with one.
function isNumber(token: string): boolean {
  return token.charCodeAt(0) <= 0x39;
}
