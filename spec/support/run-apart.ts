import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from 'execa';
import { type KrunResult, runKrun } from './krun.ts';

/** As runKrun, for commands that leave a container behind: it keeps their standard output and error, so these must be files, not pipes. */
export async function runApart(args: readonly string[], options: Options = {}): Promise<KrunResult> {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-'));
  const [out, err] = ['out', 'err'].map((name) => openSync(join(directory, name), 'w')) as [number, number];
  try {
    const result = await runKrun(args, { ...options, stdio: ['ignore', out, err] } as Options);
    const [stdout, stderr] = ['out', 'err'].map((name) => readFileSync(join(directory, name), 'utf8').trimEnd()) as [string, string];
    return { ...result, stdout, stderr };
  } finally {
    closeSync(out);
    closeSync(err);
    rmSync(directory, { recursive: true });
  }
}
