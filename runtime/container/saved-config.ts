// config.json in the state directory: the configuration as it was when the container was made. Edits of the bundle change nothing.
import { type Config, readConfig } from '../config/config.ts';
import { remember } from '../config/remember.ts';
import { stringifyConfig } from '../config/stringify.ts';
import { KrunError } from '../errors/krun-error.ts';
import { fromFile } from '../host/file-cache.ts';
import type { StateFile } from '../plan/compile.ts';

export const configFileName = 'config.json';

export const savedConfigFile = remember(
  (config: Config): StateFile => ({ name: configFileName, content: new TextEncoder().encode(stringifyConfig(config)) }),
);

/** Throws E_NO_CONTAINER if the container went meanwhile, E_STATE if the file cannot be understood. */
export function readSavedConfig(root: string, id: string): Config {
  return readSavedConfigFile(root, id).config;
}

/** With its bytes, to see later whether it is still the same. */
export function readSavedConfigFile(root: string, id: string): { readonly config: Config; readonly content: Uint8Array } {
  const path = `${root}/${id}/${configFileName}`;
  try {
    return fromFile(path, (content) => ({ config: readConfig(new TextDecoder().decode(content)), content }));
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (errno === 'ENOENT') throw new KrunError('E_NO_CONTAINER', `container does not exist: ${id}`, { path });
    throw new KrunError('E_STATE', `${path} cannot be read`, { path, cause });
  }
}
