import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { all, type ConfigChange, isRoot } from '../support/change-config.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { cases, changes, prepareBundle } from './cases.ts';
import { type KnownDifference, knownDifferences } from './known-differences.ts';
import { normalize, type Sight } from './normalize.ts';
import { others, type RuntimeName, runBy } from './runtimes.ts';

const used = new Set<KnownDifference>();
let compared = 0;

const combinations = fc
  .sample(fc.subarray(Object.keys(changes), { minLength: 3, maxLength: 9 }), { numRuns: 25, seed: 20 })
  .map((names): [string, ConfigChange] => [names.join(', '), all(...names.flatMap((name) => changes[name] ?? []))]);

for (const [name, change] of [...Object.entries(cases), ...combinations]) {
  test(`a process sees the same with krun as with runc and crun: ${name}`, async (t) => {
    if (skipUnless(t, 'root, runc and crun', isRoot && others.length === 2)) return;
    const ours = await look(t, 'krun', change);
    const differences: string[] = [];
    for (const runtime of others) differences.push(...unknownDifferences(runtime, ours, await look(t, runtime, change)));
    t.deepEqual(differences, []);
    compared++;
  });
}

test.after('the table of known differences holds none that is no longer one', (t) => {
  if (compared < Object.keys(cases).length + combinations.length) return;
  t.deepEqual(
    knownDifferences.filter((difference) => !used.has(difference)).map(({ why }) => why),
    [],
  );
});

async function look(t: ExecutionContext, runtime: RuntimeName, change: ConfigChange): Promise<Sight> {
  const { status, stdout, stderr, bundle } = await runBy(t, runtime, change, prepareBundle);
  if (status !== 0) throw new Error(`${runtime} ended with ${status}: ${stderr}`);
  return normalize(JSON.parse(stdout) as ProbeReport, bundle);
}

function unknownDifferences(runtime: Exclude<RuntimeName, 'krun'>, ours: Sight, theirs: Sight): string[] {
  const places = [...new Set([...ours.keys(), ...theirs.keys()])].filter((place) => ours.get(place) !== theirs.get(place));
  return places.flatMap((place) => {
    const [our, their] = [ours.get(place) ?? 'none', theirs.get(place) ?? 'none'];
    const known = knownDifferences.find(
      (difference) =>
        (difference.runtime === 'both' || difference.runtime === runtime) &&
        difference.place.test(place) &&
        (difference.theirs?.test(their) ?? true) &&
        (difference.ours?.test(our) ?? true),
    );
    if (known === undefined) return [`${runtime} ${place}: ${their} → ${our}`];
    used.add(known);
    return [];
  });
}
