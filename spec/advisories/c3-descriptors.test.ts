// Descriptors of the caller, or of the helper, that survive execve.
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { ProbeReport } from '../support/probe.ts';

advisory('of thirty descriptors that the caller leaks none is seen in the container', 'CLOSE_DESCRIPTORS', async (stage, binary, t) => {
  const wrapper = ['bash', '-c', `for fd in {4..33}; do eval "exec $fd<${stage.canary}/file"; done; exec "$@"`, '-'];
  const { stdout, failure } = await runInRootfs(stage, {}, { binary, wrapper });
  t.is(failure, null);
  const { descriptors } = JSON.parse(stdout) as ProbeReport;
  return descriptors.filter(({ fd }) => fd > 2).map(({ fd, target }) => `${fd}: ${target}`);
});
