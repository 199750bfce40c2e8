import type { Config } from '../config/config.ts';
import { defaultConfig } from '../config/default.ts';
import type { Caller } from '../container/caller.ts';

export interface RootfsConfigOptions {
  /** Absolute. */
  readonly rootfs: string;
  readonly program: readonly string[];
  readonly isReadonly: boolean;
  readonly caller: Pick<Caller, 'uid' | 'gid' | 'terminals'>;
}

/** The config of `run --rootfs DIR -- PROGRAM…`: the one that `spec` writes, with this root and program. */
export function rootfsConfig({ rootfs, program, isReadonly, caller }: RootfsConfigOptions): Config {
  const config = configFor(caller);
  const terminal = caller.terminals[0] === true && caller.terminals[1] === true; // at a pipe or file, the program's bytes are to stay as they are
  return {
    ...config,
    root: { path: rootfs, readonly: isReadonly },
    ...(config.process && { process: { ...config.process, terminal, args: program } }),
  };
}

/** The default config for this user. */
export function configFor({ uid, gid }: Pick<Caller, 'uid' | 'gid'>, isRootless = uid !== 0): Config {
  return defaultConfig(isRootless ? { rootless: { uid, gid } } : {});
}
