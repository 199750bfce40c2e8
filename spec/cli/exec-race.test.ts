// exec against the end of its container: it runs, or says that the container does not; nothing else, and nothing is left.
import { setTimeout as after } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { isRoot } from '../support/change-config.ts';
import { type KrunResult, type RunningContainer, runKrun, startContainer } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const races = Number(process.env.KRUN_RACES ?? 300);
const execsPerContainer = 5;
const atOnce = 3;

const ends = {
  'exits by itself': async (container: RunningContainer) => container.end(),
  'is killed': async ({ bundle }: RunningContainer) => void (await runKrun(['kill', bundle.id, 'KILL'])),
  'is deleted by force': async ({ bundle }: RunningContainer) => void (await runKrun(['delete', '--force', bundle.id])),
} as const;

for (const [title, end] of Object.entries(ends)) {
  test(`exec in a container that ${title} runs, or says that the container does not`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    t.timeout(600_000);
    const rounds = Math.ceil(races / Object.keys(ends).length / execsPerContainer);
    const seen = new Map<string, number>();
    let next = 0;
    const work = async () => {
      while (next++ < rounds) for (const outcome of await race(t, end)) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    t.log([...seen].map(([outcome, count]) => `${outcome}: ${count}`).join(', '));
    t.deepEqual(
      [...seen.keys()].filter((outcome) => !['ran', 'killed as it ran', 'E_NOT_RUNNING', 'E_NO_CONTAINER'].includes(outcome)),
      [],
    );
  });
}

// The times are what is raced with, no waiting for something: over an exec's length, which is some tens of milliseconds.
async function race(t: ExecutionContext, end: (container: RunningContainer) => Promise<void>): Promise<string[]> {
  const container = await startContainer(t);
  const execs = Array.from({ length: execsPerContainer }, async () => {
    await after(Math.random() * 60);
    return runKrun(['exec', container.bundle.id, 'echo', 'ran']);
  });
  await after(Math.random() * 100);
  await end(container);
  const results = await Promise.all(execs);
  await container.result;
  return results.map(outcomeOf);
}

function outcomeOf({ status, signal, stdout, stderr }: KrunResult): string {
  if (status === 0 && stdout === 'ran' && stderr === '') return 'ran';
  if (status === 137 && signal === undefined && stderr === '') return 'killed as it ran';
  const code = /code: (E_\w+)/.exec(stderr)?.[1] ?? '';
  if (signal !== undefined) return `krun itself was ended by ${signal}: did it hang?`;
  return status === 255 && (code === 'E_NOT_RUNNING' || code === 'E_NO_CONTAINER') ? code : `${status} ${stdout} ${stderr}`;
}
