// A recorded pid that is another process's by now.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Op } from '../../runtime/plan/ops.ts';
import { until } from '../support/cgroups.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

hostAdvisory('a decoy with the recorded pid but another start time is not signalled', 'START_TIME', async (binary, t) => {
  const decoy = spawn('/bin/busybox', ['sleep', '1000']);
  const ended = once(decoy, 'close');
  t.teardown(() => decoy.kill('SIGKILL'));
  const pid = decoy.pid ?? 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const startTime = BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '') - 1n;
  const plan: readonly Op[] = [
    { op: 'openProcess', pointer: '', pid, startTime, process: 'init' },
    { op: 'signalProcess', pointer: '', process: 'init', signal: 9, orGone: false },
  ];
  const { failure } = await runPlan(plan, { binary });
  if (failure?.errno === 3) return [];
  await ended;
  await until(() => decoy.exitCode !== null || decoy.signalCode !== null);
  return [`the decoy died of ${decoy.signalCode}`];
});
