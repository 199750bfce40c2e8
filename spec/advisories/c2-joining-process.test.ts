// CVE-2016-9962: a container looks into a process that joins it, and takes what it finds there.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Namespace } from '../../runtime/config/config.ts';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { advisory } from '../support/advisory.ts';
import type { Outcome } from '../support/probe.ts';
import { type PlanResult, runPlan } from '../support/run-plan.ts';
import { planSettings, probePath, runSettings, type Settings } from '../support/run-process.ts';

// With ids of its own the change of user alone would hide the joining process; here nothing else does.
const maps = {
  uidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }],
};
const all = ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_CHOWN'];
const capabilities = { bounding: all, permitted: all, effective: all };

advisory('a container cannot look into a process that joins it', 'NON_DUMPABLE', async (_, binary, t) => {
  const container = await start(t, { linux: { namespaces: [{ type: 'user' }, { type: 'pid' }], ...maps } }, 'execute', binary);
  const namespaces: Namespace[] = [
    { type: 'user', path: `/proc/${container}/ns/user` },
    { type: 'pid', path: `/proc/${container}/ns/pid` },
  ];
  const joining = await start(t, { linux: { namespaces } }, 'set-up', binary);
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

/** The pid of a container's first process that stays until the end of the test, in its set-up or as the probe. */
async function start(t: ExecutionContext, settings: Settings, until: 'set-up' | 'execute', binary: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-test-pid-'));
  const file = join(directory, 'pid');
  const meet: Op[] = [
    { op: 'notifyParent', pointer: '', stage: 50 },
    { op: 'waitForParent', pointer: '', stage: 51 },
  ];
  const writePid: Op = { op: 'writePidFile', pointer: '', path: file };
  const plan = planSettings(
    { ...settings, process: { args: [probePath, 'sleep-until-stdin-eof'] } },
    { extra: until === 'set-up' ? meet : [] },
  );
  const place = until === 'set-up' ? 'waitForExecute' : 'wait';
  const before: Plan = until === 'set-up' ? [{ op: 'waitForChild', pointer: '', stage: 50 }, writePid] : [writePid];
  const whole = plan.flatMap((op): Plan => (op.op === place ? [...before, op] : [op]));
  let end = (): void => {};
  const holdInput = new Promise<void>((resolve) => {
    end = resolve;
  });
  let helper = 0;
  const result = runPlan(whole, { binary, holdInput, started: (pid) => (helper = pid) });
  t.teardown(async () => {
    end();
    if (until === 'set-up') process.kill(helper, 'SIGTERM');
    await result;
    await rm(directory, { recursive: true });
  });
  return Number(await contentOf(file, result));
}

async function contentOf(file: string, result: Promise<PlanResult>): Promise<string> {
  let ended: PlanResult | null = null;
  void result.then((value) => {
    ended = value;
  });
  for (;;) {
    const content = await readFile(file, 'utf8').catch(() => null);
    if (content !== null) return content;
    if (ended !== null) throw new Error(`the container ended before it was ready: ${JSON.stringify(ended)}`);
  }
}
