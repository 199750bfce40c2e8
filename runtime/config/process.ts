import { capabilityName, reportCapabilities } from './capabilities.ts';
import type { Report } from './problem.ts';
import { rlimits } from './rlimits.ts';
import { execCpuAffinity, ioPriority, scheduler } from './scheduling.ts';
import {
  absentIfEmpty,
  absolutePath,
  array,
  boolean,
  type Draft,
  type Infer,
  integer,
  object,
  refine,
  type Schema,
  string,
  uint32,
} from './schema.ts';

const consoleSize = object({ height: uint32, width: uint32 }, {});

// Not uint32: its last value is (uid_t)-1, which to setresuid(2) means "leave it", and it would stay root.
const id = integer(0, 0xffff_fffe);

const user = object(
  {
    /** Ids as the container sees them. */
    uid: id,
    gid: id,
  },
  { umask: integer(0, 0o7777), additionalGids: array(id) },
  ['username'],
);

/** NAME=value, as execve(2) wants it; a value is never shown, it may be a secret. */
export const environment: Schema<readonly string[]> = array(
  refine(string, (entry, report) => {
    if (entry.indexOf('=') < 1) report.error([], 'must be of the form NAME=value');
  }),
);

const capabilities = refine(
  object(
    {},
    {
      bounding: array(capabilityName),
      effective: array(capabilityName),
      inheritable: array(capabilityName),
      permitted: array(capabilityName),
      ambient: array(capabilityName),
    },
  ),
  reportCapabilities,
);

const processShape = object(
  { cwd: absolutePath, args: array(string, { min: 1 }) },
  {
    terminal: boolean,
    consoleSize,
    user,
    env: environment,
    rlimits,
    capabilities,
    noNewPrivileges: boolean,
    apparmorProfile: absentIfEmpty(string),
    selinuxLabel: absentIfEmpty(string),
    oomScoreAdj: integer(-1000, 1000),
    scheduler,
    ioPriority,
    execCPUAffinity: execCpuAffinity,
  },
  ['commandLine'],
);

/** config.md#process and #posix-process, #linux-process. */
export const processSchema = refine(processShape, reportProcess);

export type Process = Infer<typeof processShape>;
export type User = Infer<typeof user>;
export type ConsoleSize = Infer<typeof consoleSize>;
export type Capabilities = Infer<typeof capabilities>;

function reportProcess(process: Draft<Process>, report: Report): void {
  if (process.args?.[0] === '') report.error(['args', 0], 'must name a program');
  reportConsoleSize(process, report);
}

// struct winsize holds 16 bits a side; without a terminal the size MUST be ignored (config.md#process).
function reportConsoleSize({ terminal, consoleSize: size }: Draft<Process>, report: Report): void {
  if (terminal !== true || size === undefined) return;
  if ((size.height ?? 0) > 0xffff) report.error(['consoleSize', 'height'], 'must be at most 65535');
  if ((size.width ?? 0) > 0xffff) report.error(['consoleSize', 'width'], 'must be at most 65535');
}
