// CVE-2019-5736: a container keeps /proc/<pid>/exe of the runtime and writes to it when nothing runs from it any more.
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { controlHelper } from '../support/advisory.ts';
import { onlyChild } from '../support/only-child.ts';
import { runPlan, testHelper } from '../support/run-plan.ts';

const O_PATH = 0o10000000;

test('what is kept of /proc/<pid>/exe cannot be written, not even when the helper has gone', async (t) => {
  t.is(await overwrite(t, testHelper), 'EROFS');
});

test('what is kept of /proc/<pid>/exe cannot be written: not without the rule SEALED', async (t) => {
  t.is(await overwrite(t, controlHelper('SEALED')), 'written');
});

async function overwrite(t: ExecutionContext, binary: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-exe-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const installed = join(directory, 'krun');
  await copyFile(binary, installed);
  const before = readFileSync(installed);
  let kept = -1;
  await runPlan(
    [
      { op: 'clone', pointer: '', flags: 0n, cgroup: null, program: [{ op: 'waitForParent', pointer: '', stage: 9 }] },
      { op: 'waitForExecute', pointer: '' },
    ],
    {
      binary: installed,
      started: async (pid) => {
        kept = openSync(`/proc/${await onlyChild(pid)}/exe`, O_PATH | constants.O_RDONLY);
        process.kill(pid, 'SIGTERM'); // takes the child along
      },
    },
  );
  const result = tryToWrite(kept);
  closeSync(kept);
  t.is(readFileSync(installed).equals(before), result !== 'written');
  return result;
}

function tryToWrite(kept: number): string {
  try {
    const file = openSync(`/proc/self/fd/${kept}`, constants.O_WRONLY);
    writeSync(file, 'overwritten');
    closeSync(file);
    return 'written';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
