// A test of spec/advisories: an attack on the helper, which must do no harm; and its negative control, the same attack on a helper
// that is built without the one rule that stops it. A test that cannot fail is no test.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { makeStage, type Stage } from './rootfs-plan.ts';
import { testHelper } from './run-plan.ts';

/** Attacks with this build of the helper, and tells what harm was done: nothing, if all is well. */
export type Attack = (stage: Stage, helper: string, t: ExecutionContext) => Promise<readonly string[]>;

/** `rule` is a name in RULE(…) of runtime/helper; scripts/build --controls builds the helpers without. */
export function advisory(title: string, rule: string, attack: Attack): void {
  test(title, async (t) => {
    const stage = await makeStage(t);
    if (stage === null) return;
    t.deepEqual(await attack(stage, testHelper, t), []);
    await stage.assertHostUnchanged();
  });
  test(`${title}: not without the rule ${rule}`, async (t) => {
    const stage = await makeStage(t);
    if (stage === null) return;
    t.not((await attack(stage, controlHelper(rule), t)).length, 0, 'the control was not noticed');
  });
}

/** The helper that is built without a rule. */
export function controlHelper(rule: string): string {
  const helper = fileURLToPath(new URL(`../../.cache/without/${rule}`, import.meta.url));
  if (!existsSync(helper)) throw new Error(`${helper} is missing: scripts/build --controls`);
  return helper;
}

/** Lets `act` run each time the helper or its child stops at a test point (KRUN_TEST_STOP), until it has ended. */
export function whenStopped(act: (pid: number, stop: number) => Promise<void>): (helper: number) => Promise<void> {
  return async (helper) => {
    let stops = 0;
    for (;;) {
      const stopped = await findStopped(helper);
      if (stopped === 'gone') return;
      if (stopped === null) await delay(1);
      else {
        await act(stopped, stops++);
        process.kill(stopped, 'SIGCONT');
      }
    }
  };
}

async function findStopped(pid: number): Promise<number | 'gone' | null> {
  const state = await stateOf(pid);
  if (state === null || state === 'Z') return 'gone';
  if (state === 'T') return pid;
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter(Boolean);
  for (const child of children) {
    const found = await findStopped(Number(child));
    if (typeof found === 'number') return found;
  }
  return null;
}

async function stateOf(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return line === null ? null : (line.slice(line.lastIndexOf(')') + 2)[0] ?? null);
}

/** What is in a directory of the host, for harm that is told by names. */
export async function namesIn(directory: string): Promise<string> {
  return (await readdir(directory)).sort().join(' ');
}
