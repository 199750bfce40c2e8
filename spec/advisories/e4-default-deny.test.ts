// GO-2022-0396: a device list that allows what it does not name; and a device program that fails in silence.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planCgroup } from '../../runtime/plan/cgroup.ts';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { hostFacts, makeCorner, runInCgroup } from '../support/cgroups.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

for (const [title, resources] of Object.entries({ 'no resources': undefined, 'no rules': { devices: [] } })) {
  hostAdvisory(`with ${title} the devices 1:1 and 8:0 cannot be opened`, 'DEVICE_PROGRAM', async (binary, t) => {
    const nodes = mkdtempSync(join(tmpdir(), 'krun-test-nodes-'));
    t.teardown(() => rmSync(nodes, { recursive: true }));
    for (const node of ['c 1 1', 'b 8 0']) execFileSync('mknod', [join(nodes, node.replaceAll(' ', '')), ...node.split(' ')]);
    const cgroupsPath = `${makeCorner(t).path}/c`;
    const config = {
      ociVersion: '1.3.0',
      root: { path: 'rootfs' },
      linux: { cgroupsPath, ...(resources === undefined ? {} : { resources }) },
    };
    const options = { id: 'c', root: '/run/krun', cgroupManager: 'cgroupfs' } as const;
    const { create, confine } = planCgroup(config, options, hostFacts);
    const script = `cd ${nodes}; for node in *; do (true <$node) 2>&1; done`;
    const { stdout, failure } = await runPlan([...create, ...confine, ...runInCgroup(script)], { binary });
    t.is(failure, null);
    return stdout.match(/Operation not permitted/g)?.length === 2 ? [] : [stdout || 'opened'];
  });
}

hostAdvisory('a device program that cannot be attached ends the start', 'DEVICE_PROGRAM', async (binary, t) => {
  const cgroupsPath = `${makeCorner(t).path}/c`;
  const config = { ociVersion: '1.3.0', root: { path: 'rootfs' }, linux: { cgroupsPath } };
  const { create, confine } = planCgroup(config, { id: 'c', root: '/run/krun', cgroupManager: 'cgroupfs' }, hostFacts);
  const broken: Plan = confine.map((op): Op => (op.op === 'attachDeviceProgram' ? { ...op, program: op.program.slice(8) } : op));
  const { stdout, failure } = await runPlan([...create, ...broken, ...runInCgroup('echo ran')], { binary });
  return failure?.op === 'attachDeviceProgram' && stdout === '' ? [] : [stdout];
});
