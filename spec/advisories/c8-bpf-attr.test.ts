// runc 1.5.2: BPF_PROG_QUERY writes behind a bpf_attr that is shorter than the kernel's own. The build for tests looks behind it.
import { compileDeviceProgram } from '../../runtime/cgroup/device-program.ts';
import { createCgroup, makeCorner, removeCgroup } from '../support/cgroups.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

hostAdvisory('the kernel writes only into what it was given', 'WHOLE_BPF_ATTR', async (binary, t) => {
  const path = `${makeCorner(t).path}/c`;
  const program = compileDeviceProgram([]);
  const plan = [createCgroup(path), removeCgroup(path), { op: 'attachDeviceProgram', pointer: '', cgroup: 'cgroup', program }] as const;
  const { failure } = await runPlan(plan, { binary });
  return failure === null ? [] : [`${failure.syscall} ${failure.errno} ${failure.detail}`];
});
