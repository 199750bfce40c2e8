// Ring 2 for what becomes of init: the probe as the container's process, in the host's own root, by a plan of the test's own.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Config, Process } from '../../runtime/config/config.ts';
import { readIdMapFacts } from '../../runtime/host/id-map-facts.ts';
import { planHostName } from '../../runtime/plan/host-name.ts';
import { planLoopback } from '../../runtime/plan/loopback.ts';
import { planNamespaces } from '../../runtime/plan/namespaces.ts';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { planProcess } from '../../runtime/plan/process.ts';
import { planSysctls } from '../../runtime/plan/sysctl.ts';
import type { ProbeReport } from './probe.ts';
import { type PlanOptions, type PlanResult, runPlan } from './run-plan.ts';

export const probePath = fileURLToPath(new URL('../../.cache/probe', import.meta.url));

/** For tests without privileges, which are nobody's. */
export const nobodysIds = readIdMapFacts({ uid: 65_534, gid: 65_534 });

/** config.json without a root file system: the process, hostname and linux. */
export type Settings = Pick<Config, 'hostname' | 'domainname' | 'linux'> & { readonly process?: Partial<Process> };

export interface ProcessRun extends PlanOptions {
  /** Of the container; default: one that nobody else uses at the time. */
  readonly id?: string;
  readonly preserveFds?: number;
  readonly noNewKeyring?: boolean;
  readonly seccomp?: readonly Op[];
  readonly privileged?: boolean;
  /** The plan as the test wants it wrong. */
  readonly change?: (plan: Plan) => Plan;
  /** Before the container's process goes on. */
  readonly extra?: readonly Op[];
}

export function planSettings(settings: Settings, options: ProcessRun = {}): Plan {
  const { seccomp = [], privileged = true, preserveFds = 0, noNewKeyring = false, id = uniqueId() } = options;
  const process: Process = { cwd: '/', args: [probePath], ...settings.process };
  const namespaces = planNamespaces(settings, { privileged, host: { idMaps: nobodysIds } });
  const sysctls = planSysctls(settings);
  const { inUserNamespace } = namespaces;
  const plan = planProcess(settings, process, {
    id,
    preserveFds,
    noNewKeyring,
    privileged,
    inUserNamespace,
    root: 'root',
    seccomp: { host: [], install: seccomp, helper: [], hasListener: false },
  });
  const program = [
    ...plan.begin,
    ...planHostName(settings),
    ...planLoopback(settings),
    ...sysctls.init,
    ...(options.extra ?? []),
    ...plan.end,
  ];
  return [
    ...plan.host,
    ...namespaces.host,
    ...sysctls.host,
    ...namespaces.start({ program, cgroup: null, early: plan.early }),
    ...plan.helper,
    { op: 'waitForExecute', pointer: '' },
    { op: 'wait', pointer: '' },
  ];
}

export async function runSettings(settings: Settings, options: ProcessRun = {}): Promise<PlanResult> {
  const plan = planSettings(settings, options);
  return runPlan(options.change === undefined ? plan : options.change(plan), options);
}

/** What the probe sees. */
export async function probeSettings(settings: Settings, options: ProcessRun = {}): Promise<ProbeReport> {
  const { stdout, stderr, failure, status } = await runSettings(settings, options);
  if (failure !== null || status !== 0) throw new Error(`status ${status}, ${JSON.stringify(failure)}, ${stderr}`);
  return JSON.parse(stdout) as ProbeReport;
}

function uniqueId(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}
