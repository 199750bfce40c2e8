import type { Config, Hook } from '../config/config.ts';
import { type StateParts, type StateSubject, stateAroundPid, stateText } from './container-state.ts';
import type { Op } from './ops.ts';

export type HookName = keyof NonNullable<Config['hooks']>;

/** prestart and createRuntime, in the helper: in the host's namespaces and the bundle's directory. */
export function planRuntimeHooks(hooks: Config['hooks'], subject: StateSubject): readonly Op[] {
  return [...planHooks('prestart', hooks, subject), ...planHooks('createRuntime', hooks, subject)];
}

/** createContainer, in init: `host` opens the programs while paths are the host's, `init` runs them, at the root that is being made. */
export function planContainerHooks(
  hooks: Config['hooks'],
  subject: StateSubject,
): { readonly host: readonly Op[]; readonly init: readonly Op[] } {
  const slots = (hooks?.createContainer ?? []).map((_, index) => `hooks/createContainer/${index}`);
  const host = (hooks?.createContainer ?? []).map(({ path }, index): Op => {
    return { op: 'openHook', pointer: pointerOf('createContainer', index), path, program: slots[index] ?? null };
  });
  const init = planHooks('createContainer', hooks, subject).map(
    (op, index): Op => (op.op === 'hook' ? { ...op, program: slots[index] ?? null, directory: '', root: 'root' } : op),
  );
  return { host, init };
}

/** startContainer, in init as the container's user: its directory and its confinement are the container's. */
export function planStartHooks(hooks: Config['hooks'], subject: StateSubject): readonly Op[] {
  return planHooks('startContainer', hooks, subject).map((op): Op => (op.op === 'hook' ? { ...op, directory: '' } : op));
}

/** poststart, in the helper of `run` or, with the pid that it knows, of `start`. */
export function planPoststartHooks(hooks: Config['hooks'], subject: StateSubject, pid?: number): readonly Op[] {
  return planHooks('poststart', hooks, subject, { pid });
}

/** poststop: each runs, whatever becomes of the others, unless `when` is a slot that nothing was put into. */
export function planPoststopHooks(hooks: Config['hooks'], subject: StateSubject, when: string | null): readonly Op[] {
  return planHooks('poststop', hooks, subject).map((op): Op => (op.op === 'hook' ? { ...op, when, mayFail: true } : op));
}

const statuses = {
  prestart: 'creating',
  createRuntime: 'creating',
  createContainer: 'creating',
  startContainer: 'created',
  poststart: 'running',
  poststop: 'stopped',
} as const satisfies Record<HookName, string>;

function planHooks(name: HookName, hooks: Config['hooks'], subject: StateSubject, { pid }: { pid?: number | undefined } = {}): Op[] {
  const state = describeState(name, subject, pid);
  return (hooks?.[name] ?? []).map((hook, index) => planHook(hook, pointerOf(name, index), { ...state, directory: subject.bundle }));
}

// The environment is the hook's own alone: what the image or the caller says must not steer a program of the host (CVE-2025-23266).
function planHook(hook: Hook, pointer: string, place: StateParts & { readonly directory: string }): Op {
  const { path, args, env = [], timeout = 0 } = hook;
  const argv = args === undefined || args.length === 0 ? [path] : args;
  return {
    op: 'hook',
    pointer,
    path,
    program: null,
    arguments: argv,
    environment: env,
    timeout,
    ...place,
    root: null,
    when: null,
    mayFail: false,
  };
}

// The pid is put in where the hook runs, unless it is known or there is none.
function describeState(name: HookName, subject: StateSubject, pid?: number): StateParts {
  if (name !== 'poststop' && pid === undefined) return stateAroundPid(subject, statuses[name]);
  return { before: stateText(subject, statuses[name], name === 'poststop' ? undefined : pid), after: '' };
}

function pointerOf(name: HookName, index: number): string {
  return `/hooks/${name}/${index}`;
}
