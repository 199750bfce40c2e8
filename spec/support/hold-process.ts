// A container's first process that stays until the end of the test: to be joined, or to be looked at.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { type PlanResult, runPlan } from './run-plan.ts';
import { planSettings, probePath, type Settings } from './run-process.ts';

export interface Hold {
  /** In its set-up, before the ops that end in execute, or as the probe. Default: the probe. */
  readonly until?: 'set-up' | 'execute';
  readonly binary?: string;
}

/** Its pid. */
export async function holdProcess(t: ExecutionContext, settings: Settings, { until = 'execute', binary }: Hold = {}): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-test-pid-'));
  const file = join(directory, 'pid');
  const plan = planSettings(
    { ...settings, process: { args: [probePath, 'sleep-until-stdin-eof'] } },
    { extra: until === 'set-up' ? meet : [] },
  );
  const writePid: Op = { op: 'writePidFile', pointer: '', path: file };
  const whole =
    until === 'set-up' ? insertBefore(plan, 'waitForExecute', [waitForChild, writePid]) : insertBefore(plan, 'wait', [writePid]);
  const input = Promise.withResolvers<void>();
  let helper = 0;
  const started = (pid: number): void => {
    helper = pid;
  };
  const result = runPlan(whole, { ...(binary === undefined ? {} : { binary }), holdInput: input.promise, started });
  t.teardown(async () => {
    input.resolve();
    if (until === 'set-up') process.kill(helper, 'SIGTERM');
    await result;
    await rm(directory, { recursive: true });
  });
  return Number(await contentOf(file, result));
}

const meet: Plan = [
  { op: 'notifyParent', pointer: '', stage: 80 },
  { op: 'waitForParent', pointer: '', stage: 81 },
];
const waitForChild: Op = { op: 'waitForChild', pointer: '', stage: 80 };

function insertBefore(plan: Plan, place: Op['op'], ops: Plan): Plan {
  return plan.flatMap((op): Plan => (op.op === place ? [...ops, op] : [op]));
}

// Until the file is there: it is renamed into place.
async function contentOf(file: string, result: Promise<PlanResult>): Promise<string> {
  let ended: PlanResult | null = null;
  void result.then((value) => {
    ended = value;
  });
  for (;;) {
    const content = await readFile(file, 'utf8').catch(() => null);
    if (content !== null) return content;
    if (ended !== null) throw new Error(`the container ended before it was ready: ${JSON.stringify(ended)}`);
    await delay(1);
  }
}
