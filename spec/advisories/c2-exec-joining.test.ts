// CVE-2016-9962 by way of exec: by the time a container can see the process that joins it, that holds nothing of the host.
// That it is not dumpable either: c2-joining-process.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { advisory } from '../support/advisory.ts';
import { withProcess } from '../support/change-config.ts';
import { planExecIn } from '../support/exec.ts';
import { type RunningContainer, runKrun, startContainer } from '../support/krun.ts';
import { type PlanResult, runPlan } from '../support/run-plan.ts';

const capabilities = ['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];
const privileged = withProcess({ capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities } });

advisory(
  'a process that joins holds no descriptor of the host when the container sees it first',
  'CLOSE_DESCRIPTORS',
  async ({ canary }, binary, t) => {
    const container = await startContainer(t, privileged);
    const pid = await holdJoining(t, container, binary, ['bash', '-c', `exec 7<${canary}; exec "$@"`, '-']);
    const { status, stdout, stderr } = await runKrun(['exec', container.bundle.id, 'ls', '-l', `/proc/${pid}/fd`]);
    t.is(status, 0, stderr);
    const targets = [...stdout.matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd, target]) => `${fd} ${target}`);
    t.not(targets.length, 0, 'it could be looked at');
    const isHarmless = (target: string) => /^[012] /.test(target) || / socket:\[\d+\]$/.test(target);
    return targets.filter((target) => !isHarmless(target));
  },
);

// The pid inside of the process of an exec that is held at its first step in the container, until the end of the test.
async function holdJoining(t: ExecutionContext, container: RunningContainer, binary: string, wrapper: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-test-pid-'));
  const file = join(directory, 'pid');
  let helper = 0;
  const started = (pid: number): void => {
    helper = pid;
  };
  const result = runPlan(holding(planExecIn(container, { args: ['/bin/true'] }), file), { binary, wrapper, started });
  t.teardown(async () => {
    process.kill(helper, 'SIGTERM');
    await result;
    await rm(directory, { recursive: true });
  });
  const pid = await contentOf(file, result);
  return /^NSpid:.*\t(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

async function contentOf(file: string, result: Promise<PlanResult>): Promise<string> {
  const ended = result.then((value): never => {
    throw new Error(`exec ended before it was held: ${JSON.stringify(value)}`);
  });
  ended.catch(() => {}); // it will, after the test
  for (;;) {
    const content = await readFile(file, 'utf8').catch(() => null);
    if (content !== null) return content;
    await Promise.race([delay(1), ended]);
  }
}

const [pointer, stage] = ['', 80];

function holding(plan: Plan, path: string): Plan {
  const meet: Plan = [
    { op: 'waitForChild', pointer, stage },
    { op: 'writePidFile', pointer, path },
  ];
  return plan.flatMap((op): Plan => (op.op === 'clone' ? [holdInner(op), ...meet] : [op]));
}

// After becomeRoot, which comes with an id that the container's processes have as well, and the setDumpable that goes with it.
function holdInner(op: Op): Op {
  if (op.op !== 'clone') return op;
  const inner = op.program.at(-1);
  if (inner?.op === 'clone') return { ...op, program: [...op.program.slice(0, -1), holdInner(inner)] };
  const after = op.program.findIndex(({ op: name }) => name === 'setDumpable') + 1;
  const hold: Plan = [
    { op: 'notifyParent', pointer, stage },
    { op: 'waitForParent', pointer, stage: stage + 1 },
  ];
  return { ...op, program: [...op.program.slice(0, after), ...hold, ...op.program.slice(after)] };
}
