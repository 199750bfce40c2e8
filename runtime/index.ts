// The typed API for Node programs: import { Krun } from 'krun'. See docs/API.md.
export { Container } from './api/container.ts';
export { ContainerProcess, type PipedProcess } from './api/container-process.ts';
export type { ExitStatus } from './api/exit-status.ts';
export { type Abortable, Krun, type KrunOptions } from './api/krun.ts';
export type {
  ConfigInput,
  ContainerOptions,
  CreateOptions,
  ExecOptions,
  OverlayOptions,
  PipedStdio,
  ProcessOptions,
  RunOptions,
  SignalName,
  Stdio,
  StdioOptions,
} from './api/options.ts';
export type { Statistics } from './cgroup/statistics.ts';
export type { Config, Hook, Linux, Mount, Process, Resources } from './config/config.ts';
export { type DefaultConfigOptions, defaultConfig } from './config/default.ts';
export type { ContainerEvent } from './container/events.ts';
export type { ShownState as ContainerState } from './container/state.ts';
export type { Status } from './container/stored-state.ts';
export { type ErrorCode, errorCodes } from './errors/codes.ts';
export { KrunError } from './errors/krun-error.ts';
