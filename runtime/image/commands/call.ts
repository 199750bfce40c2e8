// What every image command is given: who calls, with which flags, and what follows from them.
import { writeSync } from 'node:fs';
import { isSet, listOf, textOf } from '../../cli/flag-values.ts';
import type { CommandLine } from '../../cli/parse.ts';
import type { Caller } from '../../container/caller.ts';
import type { PullOptions } from '../../registry/pull.ts';
import { readRegistrySettings } from '../../registry/settings.ts';
import type { Platform } from '../descriptor.ts';
import { hostPlatform, parsePlatform } from '../platform.ts';
import { makeProgress, type Progress } from '../progress.ts';
import { openStore, type Store, storeDirectory } from '../store.ts';

export interface ImageCall {
  readonly caller: Caller;
  readonly line: CommandLine;
  readonly store: Store;
  readonly platform: Platform;
  readonly progress: Progress;
  readonly wantsJson: boolean;
}

export function makeCall(caller: Caller, line: CommandLine): ImageCall {
  const platform = textOf(line.flags, 'platform');
  const wantsJson = textOf(line.flags, 'format') === 'json';
  const style = isSet(line.flags, 'quiet') || wantsJson ? 'none' : caller.terminals[2] === true ? 'bars' : 'lines';
  return {
    caller,
    line,
    store: openStore(storeDirectory(caller, textOf(line.flags, 'storage'))),
    platform: platform === null ? hostPlatform() : parsePlatform(platform),
    progress: makeProgress(style),
    wantsJson,
  };
}

/** For pullImage and pushImage. */
export function registryOptions({ caller, line, platform, progress }: ImageCall): PullOptions {
  return {
    settings: readRegistrySettings(caller.env, listOf(line.flags, 'insecure-registry')),
    credentials: { env: caller.env, uid: caller.uid, authfile: textOf(line.flags, 'authfile') },
    platform,
    progress,
  };
}

/** One line, or a document, on standard output. */
export function printLine(text: string): void {
  writeAll(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

// A pipe whose other end nobody reads just now is no failure (EAGAIN), one that is gone ends us like any program.
function writeAll(text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
