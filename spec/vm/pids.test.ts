import test from 'ava';
import { startLimited } from '../support/limited-container.ts';

const fork = (count: number): string => `i=0; while [ $i -lt ${count} ]; do sleep 1000 >/dev/null 2>&1 & i=$((i+1)); done; echo made $i`;

test('pids.limit has fork refused beyond it, and the cgroup counts how often; update raises it', async (t) => {
  const container = await startLimited(t, { pids: { limit: 12n } }, 'sleep 1000');
  t.is(container.file('pids.max'), '12');
  const refused = await container.exec(fork(20));
  t.not(refused.status, 0);
  t.regex(refused.stderr, /can't fork/);
  t.true(container.count('pids.events', 'max') >= 1);
  await container.update({ pids: { limit: 60 } });
  const made = await container.exec(fork(20));
  t.is(made.stdout, 'made 20', made.stderr);
  await container.update({ pids: { limit: -1 } });
  t.is(container.file('pids.max'), 'max');
});

test('a pids.limit of 0 lets the process be, alone', async (t) => {
  const container = await startLimited(t, { pids: { limit: 0n } }, 'sleep 1000; true');
  t.not(await container.status, 0, 'the shell could not fork');
});
