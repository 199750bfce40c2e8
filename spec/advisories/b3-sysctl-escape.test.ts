// CVE-2025-52881: a write reaches a real but wrong file of procfs.
import { advisory } from '../support/advisory.ts';
import { runPlan } from '../support/run-plan.ts';

advisory('a sysctl cannot be written outside of /proc/sys', 'SYSCTL_RESOLVE', async (_, binary) => {
  const harm: string[] = [];
  for (const path of ['../self/comm', '/proc/self/comm', 'net/../../self/comm']) {
    const { failure } = await runPlan(
      [
        { op: 'openProc', pointer: '', proc: 'proc' },
        { op: 'setSysctl', pointer: '', proc: 'proc', path, value: 'x' },
      ],
      { binary },
    );
    if (failure === null) harm.push(path);
  }
  return harm;
});
