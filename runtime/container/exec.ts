import { readFileSync } from 'node:fs';
import type { Config, Process } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import { deniesSetgroupsTo, readHostFacts } from '../host/facts.ts';
import { namespacesApart } from '../host/namespaces.ts';
import { compileExec } from '../plan/exec.ts';
import type { Plan } from '../plan/ops.ts';
import { compileCachedSeccomp } from './cached-seccomp.ts';
import type { Caller } from './caller.ts';
import { enteredCgroup } from './exec-cgroup.ts';
import { changeProcess, readProcess } from './exec-process.ts';
import type { ExecOptions } from './options.ts';
import { readSavedConfig } from './saved-config.ts';
import { type FoundContainer, type ProcessIdentity, readContainer } from './stored-state.ts';

/**
 * Runs one more process in a container, as its configuration was when the container was made: edits of the bundle change nothing.
 * E_NO_CONTAINER, E_NOT_RUNNING, or what is wrong with the process.
 */
export async function execInContainer(caller: Caller, options: ExecOptions): Promise<Plan> {
  const { root, id } = options;
  const container = readContainer(root, id);
  const init = requireJoinable(container, options);
  const config = readSavedConfig(root, id);
  const process = processOf(config, options);
  const facts = readHostFacts(caller);
  return compileExec({
    id,
    config,
    process,
    bundle: container.state.bundle,
    status: container.status === 'created' ? 'created' : 'running',
    init,
    namespaces: namespacesApart(init.pid, caller.pid) ?? (config.linux?.namespaces ?? []).map(({ type }) => type),
    deniesSetgroups: deniesSetgroupsTo(init),
    cgroup: await enteredCgroup({ root, state: container.state, init, path: options.cgroup, facts, caller }),
    seccomp: await compileCachedSeccomp(config.linux?.seccomp, facts, root),
    facts,
    preserveFds: options.preserveFds,
    noNewKeyring: container.state.noNewKeyring ?? false,
    pidFile: options.pidFile,
    detach: options.detach,
    consoleSocket: options.consoleSocket,
    pidfdSocket: options.pidfdSocket,
  });
}

// As runc: a created container can be joined, its namespaces are there.
function requireJoinable({ state, status, init }: FoundContainer, { ignorePaused }: ExecOptions): ProcessIdentity {
  // Its root is still the host's: what is being created cannot be joined.
  if (init === null || status === 'creating') {
    const why = status === 'creating' ? 'one that is still being created' : 'a stopped container';
    throw new KrunError('E_NOT_RUNNING', `cannot exec in ${why}: container not running: ${state.id}`);
  }
  if (status === 'paused' && !ignorePaused)
    throw new KrunError('E_PAUSED', `cannot exec in a paused container (use --ignore-paused): ${state.id}`, {
      hint: 'krun resume it first; with --ignore-paused the process starts when it is resumed',
    });
  return init;
}

function processOf({ process }: Config, { processFile, changes }: ExecOptions): Process {
  if (processFile !== null) return readProcess(processFile, readFile(processFile));
  if (process === undefined)
    throw new KrunError('E_CONFIG', 'the container has no process that another could be like: give --process FILE');
  return changeProcess(process, changes);
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new KrunError('E_FILE', `--process ${path} cannot be read`, { path, errno, cause });
  }
}
