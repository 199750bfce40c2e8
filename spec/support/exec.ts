import type { ExecutionContext } from 'ava';
import type { Options } from 'execa';
import type { Process } from '../../runtime/config/config.ts';
import { readSavedConfig } from '../../runtime/container/saved-config.ts';
import { readContainer } from '../../runtime/container/stored-state.ts';
import { readHostFacts } from '../../runtime/host/facts.ts';
import { compileExec } from '../../runtime/plan/exec.ts';
import type { Plan } from '../../runtime/plan/ops.ts';
import { type KrunResult, type RunningContainer, runKrun, startContainer } from './krun.ts';
import type { Outcome, ProbeReport } from './probe.ts';

/** krun exec in a running container. */
export function execIn({ bundle }: RunningContainer, args: readonly string[], options: Options = {}): Promise<KrunResult> {
  return runKrun(['exec', bundle.id, ...args], options);
}

/** What the probe sees of itself when it is exec'd with these flags. */
export async function probeIn(
  t: ExecutionContext,
  { bundle }: RunningContainer,
  flags: readonly string[] = [],
  options: Options = {},
): Promise<ProbeReport> {
  const { status, stdout, stderr } = await runKrun(['exec', ...flags, bundle.id, '/probe'], options);
  t.is(status, 0, stderr);
  return JSON.parse(stdout) as ProbeReport;
}

/** What becomes of one of the probe's actions, exec'd with these flags. */
export async function actIn(t: ExecutionContext, { bundle }: RunningContainer, flags: readonly string[], action: readonly string[]) {
  const { status, stdout, stderr } = await runKrun(['exec', ...flags, bundle.id, '/probe', ...action]);
  t.is(status, 0, stderr);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Outcome;
}

/** Runs the steps beside a container, then lets that end. */
export async function beside(
  t: ExecutionContext,
  change: Parameters<typeof startContainer>[1],
  steps: (container: RunningContainer) => Promise<void>,
): Promise<void> {
  const container = await startContainer(t, change);
  await steps(container);
  container.end();
  t.is((await container.result).status, 0);
}

/** The plan of an exec with this process in a running container, for a helper of the test's choice. */
export function planExecIn({ bundle: { id } }: RunningContainer, parts: Partial<Process>): Plan {
  const root = '/run/krun';
  const { state, init } = readContainer(root, id);
  const config = readSavedConfig(root, id);
  if (init === null || config.process === undefined) throw new Error(`${id} does not run`);
  return compileExec({
    id,
    config,
    process: { ...config.process, args: ['/probe'], ...parts },
    bundle: state.bundle,
    status: 'running',
    init,
    namespaces: (config.linux?.namespaces ?? []).map(({ type }) => type),
    deniesSetgroups: false,
    cgroup: state.cgroup === null ? null : { ...state.cgroup, owner: `${root}/${id}` },
    seccomp: null,
    facts: readHostFacts({ pid: process.pid, uid: 0 }),
    preserveFds: 0,
    noNewKeyring: false,
    pidFile: null,
    detach: false,
    consoleSocket: null,
    pidfdSocket: null,
  });
}
