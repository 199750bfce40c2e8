// The part of node:fs that the supervisor uses, for the small engine; errors are as Node makes them. A function that is missing here
// fails the build (No matching export).
import type * as node from 'node:fs';
import { errnoName, errnoText } from '../../errors/errno.ts';
import { host } from './host.ts';
import { decode, encode } from './text.ts';

// <asm-generic/fcntl.h> and <unistd.h>; O_NOFOLLOW and O_DIRECTORY differ on arm64.
const isArm = host.machine() === 'aarch64';
export const constants = {
  F_OK: 0,
  X_OK: 1,
  W_OK: 2,
  R_OK: 4,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: isArm ? 0o40000 : 0o200000,
  O_NOFOLLOW: isArm ? 0o100000 : 0o400000,
} as const;

const S_IFMT = 0o170000;
const directoryEntry = 4; // DT_DIR

export function accessSync(path: string, mode = 0): void {
  check(host.access(clean(path), mode), 'access', path);
}

export function existsSync(path: string): boolean {
  return !path.includes('\0') && host.access(path, 0) === 0;
}

export function openSync(path: string, flags: number | string, mode = 0o666): number {
  return check(host.open(clean(path), typeof flags === 'number' ? flags : flagsOf(flags), mode), 'open', path);
}

export function closeSync(descriptor: number): void {
  check(host.close(descriptor), 'close');
}

export function mkdirSync(path: string, { mode }: { readonly mode: number }): void {
  check(host.mkdir(clean(path), mode), 'mkdir', path);
}

export function renameSync(from: string, to: string): void {
  check(host.rename(clean(from), clean(to)), 'rename', from);
}

export function unlinkSync(path: string): void {
  check(host.unlink(clean(path)), 'unlink', path);
}

export function readlinkSync(path: string): string {
  const target = host.readlink(clean(path));
  return typeof target === 'string' ? target : failed(target, 'readlink', path);
}

export function realpathSync(path: string): string {
  const target = host.realpath(clean(path));
  return typeof target === 'string' ? target : failed(target, 'realpath', path);
}

export function statfsSync(path: string): Pick<node.StatsFs, 'type'> {
  return { type: check(host.statfs(clean(path)), 'statfs', path) };
}

export function readFileSync(file: string | number): Uint8Array;
export function readFileSync(file: string | number, encoding: 'utf8' | 'latin1'): string;
export function readFileSync(file: string | number, encoding?: 'utf8' | 'latin1'): Uint8Array | string {
  const descriptor = typeof file === 'number' ? file : openSync(file, constants.O_RDONLY);
  const content = host.readAll(descriptor);
  if (typeof file === 'string') host.close(descriptor);
  if (typeof content === 'number') return failed(content, 'read', typeof file === 'string' ? file : undefined);
  const bytes = new Uint8Array(content);
  return encoding === undefined ? bytes : decode(bytes, encoding);
}

export function writeFileSync(
  path: string,
  content: Uint8Array | string,
  { flag = 'w', mode = 0o666 }: { flag?: string; mode?: number } = {},
): void {
  const descriptor = openSync(path, flag, mode);
  try {
    const bytes = typeof content === 'string' ? encode(content) : content;
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(descriptor, bytes, sent);
  } finally {
    closeSync(descriptor);
  }
}

export function readSync(
  descriptor: number,
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
  _position: null = null,
): number {
  return check(host.read(descriptor, bytes.buffer, bytes.byteOffset + offset, length), 'read');
}

export function writeSync(descriptor: number, content: Uint8Array | string, offset = 0): number {
  const bytes = typeof content === 'string' ? encode(content) : content;
  return check(host.write(descriptor, bytes.buffer, bytes.byteOffset + offset, bytes.length - offset), 'write');
}

interface Entry {
  readonly name: string;
  isDirectory(): boolean;
}

export function readdirSync(path: string): string[];
export function readdirSync(path: string, options: { readonly withFileTypes: true }): Entry[];
export function readdirSync(path: string, options?: { readonly withFileTypes: true }): string[] | Entry[] {
  const found = host.readdir(clean(path));
  if (typeof found === 'number') return failed(found, 'scandir', path);
  const entries: Entry[] = [];
  for (let index = 0; index < found.length; index += 2) {
    const type = found[index + 1];
    entries.push({ name: String(found[index]), isDirectory: () => type === directoryEntry });
  }
  return options === undefined ? entries.map(({ name }) => name) : entries;
}

export class Stats {
  readonly #values: readonly number[];

  constructor(values: readonly number[]) {
    this.#values = values;
  }

  get mode(): number {
    return this.#values[0] ?? 0;
  }

  get uid(): number {
    return this.#values[1] ?? 0;
  }

  get gid(): number {
    return this.#values[2] ?? 0;
  }

  get size(): number {
    return this.#values[3] ?? 0;
  }

  get ino(): number {
    return this.#values[4] ?? 0;
  }

  get dev(): number {
    return this.#values[5] ?? 0;
  }

  get rdev(): number {
    return this.#values[6] ?? 0;
  }

  get mtimeMs(): number {
    return this.#values[7] ?? 0;
  }

  get ctimeMs(): number {
    return this.#values[8] ?? 0;
  }

  isFile(): boolean {
    return (this.mode & S_IFMT) === 0o100000;
  }

  isDirectory(): boolean {
    return (this.mode & S_IFMT) === 0o040000;
  }

  isSymbolicLink(): boolean {
    return (this.mode & S_IFMT) === 0o120000;
  }

  isSocket(): boolean {
    return (this.mode & S_IFMT) === 0o140000;
  }

  isCharacterDevice(): boolean {
    return (this.mode & S_IFMT) === 0o020000;
  }

  isBlockDevice(): boolean {
    return (this.mode & S_IFMT) === 0o060000;
  }

  isFIFO(): boolean {
    return (this.mode & S_IFMT) === 0o010000;
  }
}

export function statSync(path: string): Stats;
export function statSync(path: string, options: { readonly throwIfNoEntry: false }): Stats | undefined;
export function statSync(path: string, options?: { readonly throwIfNoEntry: false }): Stats | undefined {
  const values = host.stat(clean(path));
  if (typeof values !== 'number') return new Stats(values);
  const isAbsent = ['ENOENT', 'ENOTDIR'].includes(errnoName(-values));
  return isAbsent && options !== undefined ? undefined : failed(values, 'stat', path);
}

export function lstatSync(path: string): Stats {
  const values = host.lstat(clean(path));
  return typeof values === 'number' ? failed(values, 'lstat', path) : new Stats(values);
}

export function fstatSync(descriptor: number): Stats {
  const values = host.fstat(descriptor);
  return typeof values === 'number' ? failed(values, 'fstat') : new Stats(values);
}

function flagsOf(flags: string): number {
  const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_EXCL, O_APPEND } = constants;
  const known: Readonly<Record<string, number>> = {
    r: O_RDONLY,
    w: O_WRONLY | O_CREAT | O_TRUNC,
    wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
    a: O_WRONLY | O_CREAT | O_APPEND,
  };
  return known[flags] ?? failed(-22, 'open', flags);
}

// C would take the path as ended there.
function clean(path: string): string {
  if (!path.includes('\0')) return path;
  throw Object.assign(new TypeError(`a path must not contain a NUL: ${JSON.stringify(path)}`), { code: 'ERR_INVALID_ARG_VALUE' });
}

function check(result: number, syscall: string, path?: string): number {
  return result < 0 ? failed(result, syscall, path) : result;
}

function failed(result: number, syscall: string, path?: string): never {
  const code = errnoName(-result);
  const message = `${code}: ${errnoText(-result)}, ${syscall}${path === undefined ? '' : ` '${path}'`}`;
  throw Object.assign(new Error(message), { errno: result, code, syscall, ...(path === undefined ? {} : { path }) });
}
