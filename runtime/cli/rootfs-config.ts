import type { Config } from '../config/config.ts';
import { defaultConfig } from '../config/default.ts';
import type { Caller } from '../container/caller.ts';

export interface RootfsConfigOptions {
  /** Absolute. */
  readonly rootfs: string;
  readonly program: readonly string[];
  readonly isReadonly: boolean;
  readonly caller: Pick<Caller, 'uid' | 'gid'>;
}

/** The config of `run --rootfs DIR -- PROGRAM…`: the one that `spec` writes, with this root and program. */
export function rootfsConfig({ rootfs, program, isReadonly, caller }: RootfsConfigOptions): Config {
  const config = configFor(caller);
  return {
    ...config,
    root: { path: rootfs, readonly: isReadonly },
    ...(config.process && { process: { ...config.process, args: program } }),
  };
}

/** The default config for this user, without the terminal that krun cannot give yet. */
export function configFor({ uid, gid }: Pick<Caller, 'uid' | 'gid'>, isRootless = uid !== 0): Config {
  const config = defaultConfig(isRootless ? { rootless: { uid, gid } } : {});
  return { ...config, ...(config.process && { process: { ...config.process, terminal: false } }) };
}
