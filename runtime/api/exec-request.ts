// The options of exec() → what execInContainer takes.
import { resolve } from 'node:path';
import { capabilityNames } from '../config/capabilities.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import type { GlobalOptions, ProcessChanges, ExecOptions as Request } from '../container/options.ts';
import { checkOptions, type ExecOptions, flag, object, path, processChecks, text, texts, usage, userId } from './options.ts';

/** Throws E_USAGE, E_BAD_ID. */
export function execRequest(id: string, options: ExecOptions, detach: boolean, caller: Caller, globals: GlobalOptions): Request {
  checkOptions('exec', options, checks);
  const { pidFile, consoleSocket, pidfdSocket, cgroup = null, ignorePaused = false } = options;
  return {
    ...globals,
    id: requireContainerId(id),
    processFile: null,
    changes: changesOf(options),
    detach,
    pidFile: pathOf(caller, pidFile),
    consoleSocket: pathOf(caller, consoleSocket),
    pidfdSocket: pathOf(caller, pidfdSocket),
    preserveFds: 0,
    cgroup,
    ignorePaused,
  };
}

const checks = {
  ...processChecks,
  args: texts,
  cwd: path,
  env: object,
  terminal: flag,
  user: object,
  capabilities: texts,
  noNewPrivileges: flag,
  apparmorProfile: text,
  selinuxLabel: text,
  cgroup: path,
  ignorePaused: flag,
} as const;

function changesOf(options: ExecOptions): ProcessChanges {
  const { args, cwd = null, env = {}, terminal = false, user = {}, capabilities = [] } = options;
  if (args === undefined || args.length === 0 || args[0] === '') throw usage('exec: args must name a program');
  if (cwd !== null && !cwd.startsWith('/')) throw usage('exec: cwd must be an absolute path in the container');
  checkOptions('exec: user', user, { uid: userId, gid: userId, additionalGids: userIds });
  return {
    args,
    cwd,
    env: Object.entries(env).map(variable),
    terminal,
    uid: user.uid ?? null,
    gid: user.gid ?? null,
    additionalGids: user.additionalGids ?? [],
    capabilities: capabilities.map(requireCapability),
    noNewPrivileges: options.noNewPrivileges ?? null,
    apparmorProfile: options.apparmorProfile || null,
    selinuxLabel: options.selinuxLabel || null,
  };
}

function userIds(value: unknown): string | null {
  return Array.isArray(value) && value.every((entry) => userId(entry) === null) ? null : 'an array of group ids';
}

// Its value may be a secret and is not repeated.
function variable([name, value]: readonly [string, string]): string {
  if (name === '' || name.includes('=') || name.includes('\0')) throw usage('exec: env has a name that cannot be one');
  if (typeof value !== 'string' || value.includes('\0')) throw usage(`exec: env.${name} must be a string without NUL`);
  return `${name}=${value}`;
}

function requireCapability(name: string): string {
  if ((capabilityNames as readonly string[]).includes(name)) return name;
  const nearest = nearestName(name, capabilityNames);
  throw usage(`exec: "${name}" is no capability`, nearest === undefined ? undefined : `did you mean ${nearest}?`);
}

function pathOf(caller: Caller, given: string | undefined): string | null {
  return given === undefined ? null : resolve(caller.cwd, given);
}
