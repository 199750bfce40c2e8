import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const line = /^ *(\d+\.\d{3}) +(?:(\d+\.\d{3}) +)?(helper|init|done) *(.*)$/;

test('--timing prints when each step of a start began and how long it took, in order, and changes nothing else', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sh', '-c', 'echo here; exit 3'] }));
  const { status, stdout, stderr } = await runKrun(['run', '--timing', '--bundle', bundle.path, bundle.id]);
  t.deepEqual([status, stdout], [3, 'here']);
  const [title, ...lines] = stderr.split('\n');
  t.regex(title ?? '', /^krun: where the time went, in milliseconds/);
  const steps = lines.map((text) => line.exec(text));
  t.true(
    steps.every((step) => step !== null),
    stderr,
  );
  const begins = steps.map((step) => Number(step?.[1]));
  t.deepEqual(
    begins,
    begins.toSorted((a, b) => a - b),
  );
  const told = steps.map((step) => `${step?.[3]} ${step?.[4]}`);
  for (const wanted of [
    /^helper begins/,
    /^helper has the plan of /,
    /^helper clone/,
    /^init mount \/mounts\/0/,
    /^helper waitForExecute/,
    /^done/,
  ])
    t.true(
      told.some((text) => wanted.test(text)),
      String(wanted),
    );
});

test('DEBUG=krun:* does so for every command, DEBUG of others does not', async (t) => {
  const traced = await runKrun(['list', '--quiet'], { env: { DEBUG: 'other,krun:*' } });
  t.is(traced.status, 0);
  t.regex(traced.stderr, /where the time went.*helper {2}has the plan.*done/s);
  for (const DEBUG of ['other', '', 'krun']) t.is((await runKrun(['list', '--quiet'], { env: { DEBUG } })).stderr, '');
});
