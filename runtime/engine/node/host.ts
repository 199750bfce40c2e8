/** What the engine's C side offers (runtime/engine/host.c). A result below zero is an errno, negated. */
export interface Host {
  access(path: string, mode: number): number;
  unlink(path: string): number;
  mkdir(path: string, mode: number): number;
  open(path: string, flags: number, mode: number): number;
  close(descriptor: number): number;
  rename(from: string, to: string): number;
  /** The file system's magic number, statfs(2). */
  statfs(path: string): number;
  /** [mode, uid, gid, size, inode, device, special device, mtime, ctime], times in milliseconds. */
  stat(path: string): readonly number[] | number;
  lstat(path: string): readonly number[] | number;
  fstat(descriptor: number): readonly number[] | number;
  readlink(path: string): string | number;
  realpath(path: string): string | number;
  /** Names, each followed by its type (DT_DIR and the like, readdir(3)). */
  readdir(path: string): readonly (string | number)[] | number;
  readAll(descriptor: number): ArrayBuffer | number;
  read(descriptor: number, buffer: ArrayBufferLike, offset: number, length: number): number;
  write(descriptor: number, buffer: ArrayBufferLike, offset: number, length: number): number;
  decodeUtf8(buffer: ArrayBufferLike, offset: number, length: number): string;
  decodeLatin1(buffer: ArrayBufferLike, offset: number, length: number): string;
  isUtf8(buffer: ArrayBufferLike, offset: number, length: number): boolean;
  encodeUtf8(wellFormed: string): ArrayBuffer;
  exit(status: number): never;
  pid(): number;
  euid(): number;
  /** uname -m */
  machine(): string;
  /** Nanoseconds. */
  clock(): bigint;
  /** Header and body. */
  readRequest(): ArrayBuffer;
}

// A global of the engine's: engine.c
declare const krunHost: Host;

export const host = krunHost;
