// CVE-2022-2989, CVE-2023-25173 and their kin: supplementary groups of the caller stay with the container's process.
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { ProbeReport } from '../support/probe.ts';

for (const additionalGids of [undefined, []]) {
  const title = additionalGids === undefined ? 'no' : 'empty';
  advisory(`with ${title} additionalGids the caller's groups are gone`, 'EMPTY_GROUPS', async (stage, binary, t) => {
    const user = { uid: 1000, gid: 1000, ...(additionalGids === undefined ? {} : { additionalGids }) };
    const { stdout, failure } = await runInRootfs(stage, { process: { user } }, { binary, wrapper: ['setpriv', '--groups', '4,24,27'] });
    t.is(failure, null);
    return (JSON.parse(stdout) as ProbeReport).groups.map(String);
  });
}
