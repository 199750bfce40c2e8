import { type Config, type Process, requireProcess, throwProblems, validateConfig } from '../config/config.ts';
import { decodeJson, parseJson } from '../config/json.ts';
import type { Problem } from '../config/problem.ts';
import { remember } from '../config/remember.ts';
import { KrunError } from '../errors/krun-error.ts';
import { fromFile } from '../host/file-cache.ts';

export interface BundleConfig {
  readonly config: Config;
  /** What is odd but no error (config.md: an unknown capability is to be warned of). */
  readonly warnings: readonly Problem[];
}

/** The bundle's configuration, checked. Throws E_BUNDLE when there is none, E_CONFIG_JSON, or the first error that was found. */
export function readBundle(bundle: string): BundleConfig {
  const { config, problems } = readConfig(bundle);
  throwProblems(problems);
  if (config === undefined) throw new KrunError('E_INTERNAL', 'a configuration was refused without a reason');
  return { config, warnings: problems };
}

/** E_CONFIG when there is no process. */
export const requireRunnable = remember((config: Config): Config & { readonly process: Process } => {
  return { ...config, process: requireProcess(config) };
});

function readConfig(bundle: string): ReturnType<typeof validateConfig> {
  const path = `${bundle}/config.json`;
  try {
    return fromFile(path, (content) => validateConfig(parseJson(decodeJson(content))));
  } catch (cause) {
    if (cause instanceof KrunError || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    const code = 'code' in cause ? String(cause.code) : '';
    const hint = code === 'ENOENT' ? 'a bundle is a directory with a config.json, which krun spec makes' : undefined;
    const message = code === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read`;
    throw new KrunError('E_BUNDLE', message, { path, errno: code, cause, ...(hint === undefined ? {} : { hint }) });
  }
}
