import test from 'ava';
import { renderCheck } from '../../runtime/cli/commands/doctor.ts';
import type { Check } from '../../runtime/doctor/checks.ts';
import { runKrun } from '../support/krun.ts';

test('doctor looks at this very host: every check as text and as JSON, status 1 only if one fails', async (t) => {
  const { stdout, status } = await runKrun(['doctor', '--json']);
  const checks = JSON.parse(stdout) as Check[];
  t.is(status, checks.some((check) => check.status === 'fail') ? 1 : 0);
  for (const { id, status: each, found } of checks) {
    t.regex(id, /^[a-z0-9-]+$/);
    t.true(['ok', 'warn', 'fail'].includes(each));
    t.not(found, '');
  }
  t.like(
    checks.find(({ id }) => id === 'supervisor'),
    { status: 'ok' },
  );
  const text = await runKrun(['doctor']);
  t.is(text.stdout, checks.map(renderCheck).join('').trimEnd());
});
