// In the resident supervisor's bundle this stands for node:fs: what an answer has read can be noted, to be looked at again later.
import * as fs from 'node:fs';

/** One look at the file system and what came of it. */
export interface Look {
  readonly call: LookName;
  readonly path: string;
  readonly rest: readonly unknown[];
  readonly outcome: string;
}

const lookers = {
  accessSync: fs.accessSync,
  existsSync: fs.existsSync,
  lstatSync: fs.lstatSync,
  readFileSync: fs.readFileSync,
  readdirSync: fs.readdirSync,
  readlinkSync: fs.readlinkSync,
  realpathSync: fs.realpathSync,
  statSync: fs.statSync,
  statfsSync: fs.statfsSync,
} as const;
type LookName = keyof typeof lookers;

let looks: Look[] | null = null;

/** What `act` has looked at, or null if it has done something else to files. Nothing else may be at work meanwhile. */
export async function record(act: () => Promise<void>): Promise<readonly Look[] | null> {
  const noted: Look[] = [];
  looks = noted;
  try {
    await act();
    return looks;
  } finally {
    looks = null;
  }
}

/** What comes of a look now. */
export function lookAgain({ call, rest }: Look, path: string): string {
  try {
    return describe((lookers[call] as (...words: unknown[]) => unknown)(path, ...rest));
  } catch (error) {
    return describeError(error);
  }
}

export const accessSync = noted('accessSync');
export const existsSync = noted('existsSync');
export const lstatSync = noted('lstatSync');
export const readFileSync = noted('readFileSync');
export const readdirSync = noted('readdirSync');
export const readlinkSync = noted('readlinkSync');
export const realpathSync = noted('realpathSync');
export const statSync = noted('statSync');
export const statfsSync = noted('statfsSync');

export const closeSync = spoiling(fs.closeSync);
export const fstatSync = spoiling(fs.fstatSync);
export const mkdirSync = spoiling(fs.mkdirSync);
export const openSync = spoiling(fs.openSync);
export const readSync = spoiling(fs.readSync);
export const renameSync = spoiling(fs.renameSync);
export const unlinkSync = spoiling(fs.unlinkSync);
export const writeFileSync = spoiling(fs.writeFileSync);
export const writeSync = spoiling(fs.writeSync);
export const { constants } = fs;

function noted<Name extends LookName>(call: Name): (typeof lookers)[Name] {
  const look = lookers[call] as (...words: unknown[]) => unknown;
  const notedLook = (path: unknown, ...rest: unknown[]) => {
    if (looks === null) return look(path, ...rest);
    if (typeof path !== 'string') looks = null;
    try {
      const result = look(path, ...rest);
      looks?.push({ call, path: path as string, rest, outcome: describe(result) });
      return result;
    } catch (error) {
      looks?.push({ call, path: path as string, rest, outcome: describeError(error) });
      throw error;
    }
  };
  return notedLook as unknown as (typeof lookers)[Name];
}

function spoiling<Function extends (...words: never[]) => unknown>(act: Function): Function {
  return ((...words: never[]) => {
    looks = null;
    return act(...words);
  }) as Function;
}

function describe(result: unknown): string {
  if (typeof result === 'string') return result;
  if (result instanceof Uint8Array) return Buffer.from(result).toString('latin1');
  if (Array.isArray(result))
    return result.map((entry) => (typeof entry === 'string' ? entry : `${entry.name}:${entry.isDirectory()}`)).join('/');
  if (typeof result !== 'object' || result === null) return String(result);
  if ('mtimeMs' in result) return describeStatus(result as fs.Stats | fs.BigIntStats);
  return String((result as fs.StatsFs).type);
}

function describeStatus(status: fs.Stats | fs.BigIntStats): string {
  const { dev, ino, mode, uid, gid, rdev, size, mtimeMs, ctimeMs } = status;
  const precise = 'mtimeNs' in status ? [status.mtimeNs, status.ctimeNs] : [mtimeMs, ctimeMs];
  return [dev, ino, mode, uid, gid, rdev, size, ...precise].join();
}

function describeError(error: unknown): string {
  return `failed: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`;
}
