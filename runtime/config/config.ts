import { KrunError } from '../errors/krun-error.ts';
import { hooks } from './hooks.ts';
import { parseJson } from './json.ts';
import { linuxSchema } from './linux.ts';
import { mounts } from './mounts.ts';
import { ociVersion } from './oci-version.ts';
import { createReport, type Problem } from './problem.ts';
import { type Process, processSchema } from './process.ts';
import { reportRelations } from './relations.ts';
import { type Resources, resources as resourcesSchema } from './resources.ts';
import { absentIfEmpty, boolean, type Draft, type Infer, nonEmptyString, object, record, refine, string } from './schema.ts';

const root = object({ path: nonEmptyString }, { readonly: boolean });

const annotations = refine(record(string), (entries, report) => {
  if (Object.hasOwn(entries, '')) report.error([''], 'must not be an empty name');
});

const configSchema = object(
  { ociVersion, root },
  {
    process: processSchema,
    hostname: absentIfEmpty(string),
    domainname: absentIfEmpty(string),
    mounts,
    hooks,
    annotations,
    linux: linuxSchema,
  },
  // Blocks of other platforms, and platform of runtime-spec before 1.0.
  ['windows', 'solaris', 'vm', 'zos', 'freebsd'],
);

/** A config.json of runtime-spec 1.x for Linux that passed validation. */
export type Config = Infer<typeof configSchema>;
export type Root = Infer<typeof root>;
export type Annotations = Infer<typeof annotations>;

export type { BlockIo, ThrottleDevice, WeightDevice } from './block-io.ts';
export type { Cpu } from './cpu.ts';
export type { Device } from './devices.ts';
export type { Hook, Hooks } from './hooks.ts';
export type { IdMapping } from './id-mappings.ts';
export type { IntelRdt } from './intel-rdt.ts';
export type { Linux, Personality, Propagation } from './linux.ts';
export type { Memory } from './memory.ts';
export type { MemoryPolicy } from './memory-policy.ts';
export type { Mount } from './mounts.ts';
export type { Namespace, NamespaceType, TimeOffset, TimeOffsets } from './namespaces.ts';
export type { NetDevice, NetDevices } from './net-devices.ts';
export type { Problem } from './problem.ts';
export type { Capabilities, ConsoleSize, Process, User } from './process.ts';
export type { DeviceRule, HugepageLimit, Network, Pids, RdmaLimit, Resources } from './resources.ts';
export type { Rlimit } from './rlimits.ts';
export type { ExecCpuAffinity, IoPriority, Scheduler } from './scheduling.ts';
export type {
  Seccomp,
  SeccompAction,
  SeccompArchitecture,
  SeccompFlag,
  SeccompOperator,
  Syscall,
  SyscallArgument,
} from './seccomp.ts';

export interface Validation {
  /** undefined if any problem is an error. */
  readonly config: Config | undefined;
  /** Everything found, in one pass, in the order of the document and then of the rules between its parts. */
  readonly problems: readonly Problem[];
}

/** Checks a parsed config.json by all that the runtime-spec says without looking at a host. Never throws. */
export function validateConfig(value: unknown): Validation {
  const report = createReport();
  const config = configSchema(value, report);
  if (config !== undefined) reportRelations(config as Draft<Config>, report);
  const isSound = report.problems.every(({ severity }) => severity === 'warning');
  return { config: isSound ? config : undefined, problems: report.problems };
}

/** Checks linux.resources alone, for `update`; the pointers are those of config.json. */
export function checkResources(value: unknown): { readonly resources: Resources; readonly problems: readonly Problem[] } {
  const report = createReport();
  report.path.push('linux', 'resources');
  return { resources: resourcesSchema(value, report) ?? {}, problems: report.problems };
}

export interface Strictness {
  /** Warnings are errors too, as with `krun validate --strict`. */
  readonly strict?: boolean;
}

/** The configuration in a config.json. Throws a KrunError: E_CONFIG_JSON, or the first error that validateConfig found. */
export function readConfig(text: string, strictness: Strictness = {}): Config {
  const { config, problems } = validateConfig(parseJson(text));
  throwProblems(problems, strictness);
  if (config === undefined) throw new KrunError('E_INTERNAL', 'a configuration was refused without a reason');
  return config;
}

/** Throws the first error among the problems, if there is one, as a KrunError that says how many more there are. */
export function throwProblems(problems: readonly Problem[], { strict = false }: Strictness = {}): void {
  const [first, ...others] = problems.filter(({ severity }) => strict || severity === 'error');
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` (and ${others.length} more: see krun validate)`;
  const { code, message, pointer, hint } = first;
  throw new KrunError(code, `${message}${more}`, hint === undefined ? { pointer } : { pointer, hint });
}

/** The process to run. The runtime-spec lets `create` do without one, `start` not; krun refuses at once, as runc does (E_CONFIG). */
export function requireProcess(config: Config): Process {
  if (config.process !== undefined) return config.process;
  throw new KrunError('E_CONFIG', 'process must be given', { pointer: '/process' });
}
