// As advisory.ts, for attacks that need no root file system.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { skipWithoutCgroups } from './cgroups.ts';
import { testHelper } from './run-plan.ts';

/** Attacks with this build of the helper, and tells what harm was done: nothing, if all is well. */
export type HostAttack = (helper: string, t: ExecutionContext) => Promise<readonly string[]>;

/** `rule` is a name in RULE(…) of runtime/helper: the attack must do harm to a helper that is built without it. */
export function hostAdvisory(title: string, rule: string, attack: HostAttack): void {
  test(title, async (t) => {
    if (skipWithoutCgroups(t)) return;
    t.deepEqual(await attack(testHelper, t), []);
  });
  test(`${title}: not without the rule ${rule}`, async (t) => {
    if (skipWithoutCgroups(t)) return;
    const helper = fileURLToPath(new URL(`../../.cache/without/${rule}`, import.meta.url));
    t.true(existsSync(helper), 'scripts/build --controls has not been run');
    t.not((await attack(helper, t)).length, 0, 'the control was not noticed');
  });
}
