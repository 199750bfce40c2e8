// CVE-2019-5736 and CVE-2016-9962 once more: with --init, pid 1 of a container is a program of the host, for as long as that runs.
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { handleCommand } from '../../runtime/cli/handle.ts';
import type { Plan } from '../../runtime/plan/ops.ts';
import { controlHelper } from '../support/advisory.ts';
import { makeBundle } from '../support/bundle.ts';
import { callerOf } from '../support/caller.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { onlyChild } from '../support/only-child.ts';
import { runPlan, testHelper } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

const O_PATH = 0o10000000;
const secret = 'SECRET_OF_THE_CALLER';
const look = 'for name in exe root cwd fd/0 fd/3 ns/mnt; do readlink /proc/1/$name; done; cat /proc/1/environ; ls /proc/1/fd';

test("root of a container sees neither program, environment nor descriptors of --init's pid 1", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await outputOf(t, testHelper, look), '');
});

test("root of a container sees nothing of --init's pid 1: not without the rule INIT_HIDDEN", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.not(await outputOf(t, controlHelper('INIT_HIDDEN'), look), '');
});

// Who may trace may look: what is to be seen then is no more than that.
const tracing = ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];
const lookClosely = 'cat /proc/1/environ /proc/1/cmdline; ls /proc/1/fd; readlink /proc/1/root; readlink /proc/1/cwd';

test('a container that may trace processes finds nothing of the caller in pid 1, and no way to the host', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await outputOf(t, testHelper, lookClosely, tracing);
  t.regex(seen, /^KRUN_INIT=\d+:\d+\0krun-init\0\/\n\/\n$/);
});

test('a container that may trace processes cannot make pid 1 do what it likes: a filter leaves but six system calls', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await outputOf(t, testHelper, filterOfInit), '2 1\n');
});

test('pid 1 may do what it likes: not without the rule INIT_CONFINED', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await outputOf(t, controlHelper('INIT_CONFINED'), filterOfInit), '0 0\n');
});

const filterOfInit =
  'while read name value; do case $name in Seccomp:|NoNewPrivs:) echo $value;; esac; done < /proc/1/status | { read nnp; read mode; echo $mode $nnp; }';

test('what is kept of /proc/1/exe cannot be written, not even when the container has gone', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await overwrite(t, testHelper), 'EROFS');
});

test('what is kept of /proc/1/exe cannot be written: not without the rule SEALED', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await overwrite(t, controlHelper('SEALED')), 'written');
});

async function planOf(t: ExecutionContext, args: readonly string[], capabilities: readonly string[] = []): Promise<Plan> {
  const names = [...capabilities];
  const bundle = await makeBundle(
    t,
    withProcess({ args: [...args], capabilities: { bounding: names, permitted: names, effective: names } }),
  );
  return handleCommand(callerOf(['run', '--init', '--bundle', bundle.path, bundle.id], { pid: process.pid }));
}

async function outputOf(t: ExecutionContext, binary: string, script: string, capabilities: readonly string[] = []): Promise<string> {
  const plan = await planOf(t, ['/bin/sh', '-c', script], capabilities);
  const { stdout, failure } = await runPlan(plan, { binary, env: { [secret]: secret } });
  t.is(failure, null);
  return stdout;
}

async function overwrite(t: ExecutionContext, binary: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-exe-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const installed = join(directory, 'krun');
  await copyFile(binary, installed);
  const before = readFileSync(installed);
  let kept = -1;
  await runPlan(await planOf(t, ['/bin/sleep', '1000']), {
    binary: installed,
    started: async (pid) => {
      const init = await onlyChild(pid);
      while (readFileSync(`/proc/${init}/cmdline`, 'latin1') !== 'krun-init\0');
      kept = openSync(`/proc/${init}/exe`, O_PATH | constants.O_RDONLY);
      process.kill(pid, 'SIGTERM'); // which goes by pid 1 to the process
    },
  });
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
