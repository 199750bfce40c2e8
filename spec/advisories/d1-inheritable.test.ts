// CVE-2022-29162 and its kin: inheritable capabilities that nobody asked for.
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { ProbeReport } from '../support/probe.ts';

const names = ['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_KILL'];

for (const uid of [0, 1000]) {
  advisory(
    `the inheritable and ambient sets of uid ${uid} are empty, whatever the caller's are`,
    'INHERITABLE',
    async (stage, binary, t) => {
      const wrapper = ['setpriv', '--inh-caps', '+chown,+net_raw,+kill', '--ambient-caps', '+chown'];
      const capabilities = { bounding: names, permitted: names, effective: names };
      const settings = { process: { user: { uid, gid: uid }, capabilities } };
      const { stdout, failure } = await runInRootfs(stage, settings, { binary, wrapper });
      t.is(failure, null);
      const seen = (JSON.parse(stdout) as ProbeReport).capabilities;
      return (['inheritable', 'ambient'] as const).filter((set) => !/^0+$/.test(seen[set])).map((set) => `${set}: ${seen[set]}`);
    },
  );
}
