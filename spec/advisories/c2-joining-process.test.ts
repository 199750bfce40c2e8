// CVE-2016-9962: a container looks into a process that joins it, and takes what it finds there.
import type { Namespace } from '../../runtime/config/config.ts';
import { advisory } from '../support/advisory.ts';
import { holdProcess } from '../support/hold-process.ts';
import type { Outcome } from '../support/probe.ts';
import { probePath, runSettings } from '../support/run-process.ts';

// With ids of its own the change of user alone would hide the joining process; here nothing else does.
const maps = {
  uidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }],
};
const all = ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_CHOWN'];
const capabilities = { bounding: all, permitted: all, effective: all };

advisory('a container cannot look into a process that joins it', 'NON_DUMPABLE', async (_, binary, t) => {
  const container = await holdProcess(t, { linux: { namespaces: [{ type: 'user' }, { type: 'pid' }], ...maps } }, { binary });
  const namespaces: Namespace[] = [
    { type: 'user', path: `/proc/${container}/ns/user` },
    { type: 'pid', path: `/proc/${container}/ns/pid` },
  ];
  const joining = await holdProcess(t, { linux: { namespaces } }, { until: 'set-up', binary });
  const harm: string[] = [];
  for (const [action, name] of looks) {
    const args = [probePath, action, `/proc/${joining}/${name}`];
    const { stdout, failure } = await runSettings({ linux: { namespaces }, process: { args, capabilities } }, { binary });
    t.is(failure, null);
    const { errno, target } = JSON.parse(stdout) as Outcome;
    if (action === 'stat' ? target !== undefined : errno === 0) harm.push(`${action} ${name}`);
  }
  return harm;
});

// All that ptrace(2) decides over; the names below fd/ alone give nothing away.
const looks = [
  ['list', 'root/'],
  ['list', 'cwd/'],
  ['list', 'fd/0/'],
  ['stat', 'exe'],
  ['stat', 'fd/1'],
  ['stat', 'ns/mnt'],
  ['read', 'environ'],
  ['read', 'maps'],
] as const;
