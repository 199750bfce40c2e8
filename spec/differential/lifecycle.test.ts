// The lifecycle by krun, runc and crun: the same bundle, the same commands; what callers can see must be the same.
import test, { type ExecutionContext } from 'ava';
import { isRoot } from '../support/change-config.ts';
import { skipUnless } from '../support/skip.ts';
import { makeDriver, play, type Seen } from './lifecycle/driver.ts';
import { type KnownDifference, knownDifferences } from './lifecycle/known-differences.ts';
import { type Sequence, sequences } from './lifecycle/sequences.ts';
import { others, type RuntimeName } from './runtimes.ts';
import { makeWorld, type World } from './world.ts';

const canCompare = isRoot && others.length === 2;
const used = new Set<KnownDifference>();
let compared = 0;
let world: World;

test.before(async () => {
  if (canCompare) world = await makeWorld();
});

test.after.always('the table of known differences holds none that is no longer one', async (t) => {
  await world?.end();
  if (compared < sequences.length) return;
  t.deepEqual(
    knownDifferences.filter((difference) => !used.has(difference)).map(({ why }) => why),
    [],
  );
});

for (const sequence of sequences) {
  test(`${sequence.name}: krun answers as runc and crun`, async (t) => {
    if (skipUnless(t, 'root, runc and crun', canCompare)) return;
    const ours = await playBy(t, 'krun', sequence);
    const differences: string[] = [];
    for (const other of others.filter((name) => sequence.without !== name))
      differences.push(...unknownDifferences(other, ours, await playBy(t, other, sequence)));
    t.deepEqual(differences, []);
    compared++;
  });
}

async function playBy(t: ExecutionContext, runtime: RuntimeName, { steps, change }: Sequence): Promise<Seen[]> {
  return play(await makeDriver(t, runtime, world, change), steps);
}

function unknownDifferences(runtime: Exclude<RuntimeName, 'krun'>, ours: readonly Seen[], theirs: readonly Seen[]): string[] {
  return ours.flatMap(({ step, answer }, index) => {
    const other = plain(runtime, theirs[index]?.answer ?? '');
    if (other === plain(runtime, answer)) return [];
    const known = knownDifferences.find(
      (difference) =>
        difference.runtime === runtime &&
        difference.step.test(step) &&
        difference.theirs.test(other) &&
        (difference.ours?.test(answer) ?? true),
    );
    if (known === undefined) return [`step ${index + 1}, ${step}: ${runtime}: ${other}; krun: ${answer}`];
    used.add(known);
    return [];
  });
}

// Engines look for runc's words; crun has words of its own.
function plain(runtime: RuntimeName, answer: string): string {
  return runtime === 'crun' ? answer.replace(/ \| says [^|]*(?= \|)/, '') : answer;
}
