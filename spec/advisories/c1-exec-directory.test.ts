// CVE-2024-21626 by way of exec: a descriptor of a host directory leaks into the process that joins, and --cwd leads through it.
import { advisory } from '../support/advisory.ts';
import { planExecIn } from '../support/exec.ts';
import { startContainer } from '../support/krun.ts';
import { runPlan } from '../support/run-plan.ts';

advisory('no --cwd leads through a leaked descriptor', 'CLOSE_DESCRIPTORS', async ({ canary }, binary, t) => {
  const container = await startContainer(t);
  const wrapper = ['bash', '-c', `exec 7<${canary}; exec 9<${canary}/directory; exec "$@"`, '-'];
  const harm: string[] = [];
  const numbers = Array.from({ length: 64 }, (_, number) => `/proc/self/fd/${number}`);
  for (const cwd of ['/proc/thread-self/fd/7', '/proc/self/fd/9/..', ...numbers]) {
    const { stdout, failure } = await runPlan(planExecIn(container, { cwd }), { binary, wrapper });
    if (stdout !== '' || failure?.op !== 'changeDirectory' || failure.syscall !== 'chdir') harm.push(`${cwd}: ${failure?.syscall}`);
  }
  return harm;
});

advisory('a --cwd outside of the root ends exec', 'CWD_CHECK', async ({ canary }, binary, t) => {
  const container = await startContainer(t);
  const wrapper = ['bash', '-c', `exec "$@" <${canary}`, '-'];
  const harm: string[] = [];
  for (const cwd of ['/proc/self/fd/0', '/proc/thread-self/fd/0', '/proc/self/fd/0/directory']) {
    const { stdout, failure } = await runPlan(planExecIn(container, { cwd }), { binary, wrapper });
    if (stdout !== '' || failure?.op !== 'changeDirectory' || failure.syscall !== 'getcwd') harm.push(`${cwd}: ${stdout.slice(0, 80)}`);
  }
  return harm;
});
