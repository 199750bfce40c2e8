import type { ExecutionContext } from 'ava';

// True, and the test counts as skipped, if this machine lacks a capability: `if (skipUnless(t, 'root', isRoot)) return;`.
// ava cannot skip at run time: the test passes with a log that scripts/count-tests.mjs counts by capability.
export function skipUnless(t: ExecutionContext, capability: string, condition: boolean): boolean {
  if (condition) return false;
  t.log(`skipped: needs ${capability}`);
  t.pass();
  return true;
}
