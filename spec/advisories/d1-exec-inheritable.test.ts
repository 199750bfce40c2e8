// CVE-2022-29162 and CVE-2022-27652 by way of exec: the inheritable and ambient capabilities of its caller.
import { advisory } from '../support/advisory.ts';
import { planExecIn } from '../support/exec.ts';
import { startContainer } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { runPlan } from '../support/run-plan.ts';

const names = ['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_KILL'];
const wrapper = ['setpriv', '--inh-caps', '+chown,+net_raw,+kill', '--ambient-caps', '+chown'];

for (const uid of [0, 1000]) {
  advisory(
    `an exec as uid ${uid} has no inheritable and ambient capabilities, whatever its caller's are`,
    'INHERITABLE',
    async (_stage, binary, t) => {
      const container = await startContainer(t);
      const capabilities = { bounding: names, permitted: names, effective: names };
      const { stdout, failure } = await runPlan(planExecIn(container, { user: { uid, gid: uid }, capabilities }), { binary, wrapper });
      t.is(failure, null);
      const seen = (JSON.parse(stdout) as ProbeReport).capabilities;
      return (['inheritable', 'ambient'] as const).filter((set) => !/^0+$/.test(seen[set])).map((set) => `${set}: ${seen[set]}`);
    },
  );
}
