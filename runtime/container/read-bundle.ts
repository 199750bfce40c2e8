import { readFileSync } from 'node:fs';
import { type Config, type Process, readConfig, requireProcess, throwProblems } from '../config/config.ts';
import { decodeJson } from '../config/json.ts';
import { refuseNotYet } from '../config/not-yet.ts';
import { KrunError } from '../errors/krun-error.ts';

/** The bundle's configuration, checked; E_BUNDLE when there is none, else as readConfig. */
export function readBundle(bundle: string): Config {
  return readConfig(readConfigText(bundle));
}

/** A configuration that this version can run; E_NOT_YET, or E_CONFIG when there is no process. */
export function requireRunnable(config: Config): Config & { readonly process: Process } {
  throwProblems(refuseNotYet(config));
  return { ...config, process: requireProcess(config) };
}

function readConfigText(bundle: string): string {
  const path = `${bundle}/config.json`;
  try {
    return decodeJson(readFileSync(path));
  } catch (cause) {
    if (cause instanceof KrunError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const hint = code === 'ENOENT' ? 'a bundle is a directory with a config.json, which krun spec makes' : undefined;
    const message = code === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read`;
    throw new KrunError('E_BUNDLE', message, { path, errno: code, cause, ...(hint === undefined ? {} : { hint }) });
  }
}
