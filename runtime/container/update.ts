// `update`: other limits for a container that runs. They are merged into the configuration that was saved, checked as a whole, written
// to its cgroup, and saved again; when one is refused, those before it are taken back.
import { readFileSync } from 'node:fs';
import { mergeResources, touchedResources } from '../cgroup/merge-resources.ts';
import type { Setting } from '../cgroup/setting.ts';
import { updateSettings } from '../cgroup/update.ts';
import type { FollowUp } from '../channel/decode-request.ts';
import { checkResources, type Resources, throwProblems } from '../config/config.ts';
import { decodeJson, parseJson } from '../config/json.ts';
import type { Problem } from '../config/problem.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readHostFacts } from '../host/facts.ts';
import { readCgroupFile } from '../host/statistics.ts';
import { requirePresentController } from '../plan/cgroup-controllers.ts';
import { requireEnoughMemory } from '../plan/cgroup-memory.ts';
import type { HostFacts } from '../plan/host-facts.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { UpdateOptions } from './options.ts';
import { lockUpdates, notRunning, openOwnCgroup } from './pause.ts';
import { configFileName, readSavedConfigFile, savedConfigFile } from './saved-config.ts';
import { readContainer, type StoredState } from './stored-state.ts';

const largestInput = 1024 * 1024;

/** The ops that tell what is odd about the limits. */
export type Tell = (warnings: readonly Problem[]) => Plan;

/**
 * Throws E_NOT_RUNNING, E_CONFIG and its kind for bad limits, E_NO_CONTROLLER.
 *
 * Two updates at once: the plan holds good only for the configuration that it was made of. Under a lock the helper looks whether that is
 * still the saved one, and asks again if another was faster.
 */
export async function updateContainer(caller: Caller, options: UpdateOptions, followUp: FollowUp | null, tell: Tell): Promise<Plan> {
  const container = readContainer(options.root, options.id);
  // What creates it has its limits already, and would set them last.
  if (container.init === null || container.status === 'creating') throw notRunning(options.id, container);
  const { resourcesFile } = options;
  if (resourcesFile === '-' && followUp === null) return askForInput;
  const text = resourcesFile === null ? null : readText(resourcesFile, followUp);
  const change = text === null ? options.resources : parseChange(text);
  return planUpdate(caller, options, container.state, { change, memo: resourcesFile === '-' && text !== null ? text : '', tell });
}

// The caller's standard input is the helper's: the supervisor's own is /dev/null.
const askForInput: Plan = [
  { op: 'readInput', pointer: '', limit: largestInput },
  { op: 'askAgain', pointer: '', memo: '' },
];

// What came by standard input is there once only: the memo keeps it for a further question.
function readText(file: string, followUp: FollowUp | null): string {
  if (file !== '-') return decodeJson(readBytes(file));
  return followUp?.memo || decodeJson(followUp?.input ?? new Uint8Array());
}

function parseChange(text: string): Readonly<Record<string, unknown>> {
  const change = parseJson(text);
  if (typeof change === 'object' && change !== null && !Array.isArray(change)) return change as Record<string, unknown>;
  throw new KrunError('E_CONFIG', 'the resources must be an object, like linux.resources of config.json');
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new KrunError('E_FILE', `${path} cannot be read`, { path, errno, cause });
  }
}

interface Change {
  readonly change: Readonly<Record<string, unknown>>;
  /** For the next question, if another update was faster. */
  readonly memo: string;
  readonly tell: Tell;
}

async function planUpdate(caller: Caller, options: UpdateOptions, state: StoredState, { change, memo, tell }: Change): Promise<Plan> {
  const { config, content: before } = readSavedConfigFile(options.root, options.id);
  const saved = config.linux?.resources ?? {};
  const { resources, problems } = checkResources(mergeResources(saved, change));
  throwProblems(problems);
  const limits = await planLimits(caller, options, state, { saved, touched: touchedResources(resources, change) });
  const { content } = savedConfigFile({ ...config, linux: { ...config.linux, resources } });
  const directory = 'state';
  const program: Plan = [
    ...tell(problems.filter(({ severity }) => severity === 'warning')),
    ...limits,
    { op: 'writeStateFile', pointer: '', directory, name: configFileName, content },
    { op: 'forgetExits', pointer: '' },
    { op: 'exit', pointer: '', status: 0 },
  ];
  return [
    ...lockUpdates(options),
    { op: 'expectStateFile', pointer: '', directory, name: configFileName, content: before },
    { op: 'whenFilled', pointer: '', slot: directory, program },
    { op: 'askAgain', pointer: '', memo },
  ];
}

interface Limits {
  readonly saved: Resources;
  readonly touched: Resources;
}

async function planLimits(caller: Caller, options: UpdateOptions, state: StoredState, { saved, touched }: Limits): Promise<Op[]> {
  const facts = readHostFacts(caller);
  const settings = updateSettings(touched, saved, facts.cgroup2 ?? { ioWeightFiles: [] });
  if (settings.length === 0) return [];
  const open = openOwnCgroup(options, state);
  if (facts.cgroup2 === null || state.cgroup === null) throw new KrunError('E_NO_CGROUP2', 'no cgroup2 file system is mounted');
  requireEnoughMemory(touched.memory);
  for (const setting of settings) requirePresentController(setting, state.cgroup.path, facts.cgroup2, facts);
  const tell = await unitProperties(state, facts);
  const directory = state.cgroup.mountpoint + state.cgroup.path;
  refuseBelowUsage(touched, directory);
  const before = currentSettings(settings, directory);
  return [
    open,
    { op: 'onExit', pointer: '', program: [...tell(before), ...before.map((each) => write(each))] },
    ...tell(settings),
    ...settings.map((each) => write(each)),
  ];
}

// A unit of systemd has to know its limits as well. What systemd then writes to the files is rounded: they are written after it.
async function unitProperties({ systemd }: StoredState, facts: HostFacts): Promise<(settings: readonly WrittenSetting[]) => Op[]> {
  if (systemd === undefined) return () => [];
  const { setProperties } = await import('../plan/scope.ts');
  return (settings) => setProperties(systemd, settings, facts);
}

// config-linux.md#memory: checkBeforeUpdate. Without it the kernel frees what it can and then kills.
function refuseBelowUsage({ memory }: Resources, directory: string): void {
  const { limit = 0n, checkBeforeUpdate = false } = memory ?? {};
  const usage = readCgroupFile(directory, 'memory.current');
  if (!checkBeforeUpdate || limit <= 0n || usage === null || BigInt(usage.trim()) <= limit) return;
  throw new KrunError('E_BAD_LIMIT', `memory limit ${limit} is below what is in use (${usage.trim()})`, {
    pointer: '/linux/resources/memory/limit',
  });
}

// Last written, first taken back.
function currentSettings(settings: readonly Setting[], directory: string): WrittenSetting[] {
  const files = [...new Set(settings.map(({ file }) => file))].toReversed();
  return files.flatMap((file) => {
    const value = readCgroupFile(directory, file);
    return value === null ? [] : [{ file, value: value.trimEnd(), pointer: '', optional: true }];
  });
}

type WrittenSetting = Pick<Setting, 'file' | 'value' | 'pointer' | 'optional'>;

function write({ file, value, pointer, optional }: WrittenSetting): Op {
  return { op: 'writeCgroupFile', pointer, cgroup: 'cgroup', file, value, optional };
}
