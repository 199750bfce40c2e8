// What a user has set about registries: which are without TLS, which have mirrors. From the flags and one small file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KrunError } from '../errors/krun-error.ts';
import { defaultRegistry } from '../image/reference.ts';

export interface RegistrySettings {
  /** host[:port] of registries that are spoken to by plain HTTP. */
  readonly insecure: readonly string[];
  /** host[:port] → host[:port] of those to be asked first, for pulls. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
}

/** KRUN_REGISTRIES, or registries.json in ~/.config/krun or /etc/krun: {"insecure": […], "mirrors": {"HOST": […]}}. E_FILE when it is wrong. */
export function readRegistrySettings(env: ReadonlyMap<string, string>, insecure: readonly string[]): RegistrySettings {
  for (const host of insecure) requireHost(host, '--insecure-registry', 'E_USAGE');
  for (const { path, mustExist } of settingsFiles(env)) {
    const text = readIfThere(path, mustExist);
    if (text === null) continue;
    const file = readSettings(text, path);
    return { insecure: [...insecure, ...file.insecure], mirrors: file.mirrors };
  }
  return { insecure, mirrors: {} };
}

export interface Endpoint {
  /** Of the API: https://host[:port]. */
  readonly origin: string;
  /** As in names, for credentials and messages. */
  readonly registry: string;
}

/** Those to be asked for a registry, one after another; the last is itself. */
export function endpointsOf(registry: string, { insecure, mirrors }: RegistrySettings): readonly Endpoint[] {
  return [...(mirrors[registry] ?? []), registry].map((host) => ({
    origin: `${insecure.includes(host) ? 'http' : 'https'}://${host === defaultRegistry ? apiHost : host}`,
    registry: host,
  }));
}

// By the same old convention: the host of the names is not that of the API.
const apiHost = 'registry-1.docker.io';

function settingsFiles(env: ReadonlyMap<string, string>): readonly { path: string; mustExist: boolean }[] {
  const given = env.get('KRUN_REGISTRIES');
  if (given !== undefined && given !== '') return [{ path: given, mustExist: true }];
  const config = env.get('XDG_CONFIG_HOME') || (env.get('HOME') ? join(env.get('HOME') ?? '', '.config') : '');
  return [...(config === '' ? [] : [join(config, 'krun/registries.json')]), '/etc/krun/registries.json'].map((path) => ({
    path,
    mustExist: false,
  }));
}

function readIfThere(path: string, mustExist: boolean): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (!mustExist && (code === 'ENOENT' || code === 'ENOTDIR')) return null;
    throw new KrunError('E_FILE', 'the settings for registries cannot be read', { path, errno: code, cause });
  }
}

function readSettings(text: string, path: string): RegistrySettings {
  const wrong = (why: string) => new KrunError('E_FILE', `the settings for registries are wrong: ${why}`, { path });
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw wrong('they are not JSON');
  }
  if (typeof file !== 'object' || file === null) throw wrong('they must be an object');
  const { insecure = [], mirrors = {}, ...others } = file as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(`there is no setting "${unknown}", only insecure and mirrors`);
  const hosts = (value: unknown, place: string): readonly string[] => {
    if (!Array.isArray(value) || value.some((host) => typeof host !== 'string')) throw wrong(`${place} must be a list of hosts`);
    for (const host of value as string[]) requireHost(host, place, 'E_FILE');
    return value as string[];
  };
  if (typeof mirrors !== 'object' || mirrors === null || Array.isArray(mirrors)) throw wrong('mirrors must be an object');
  return {
    insecure: hosts(insecure, 'insecure'),
    mirrors: Object.fromEntries(Object.entries(mirrors).map(([host, list]) => [host, hosts(list, `mirrors of ${host}`)])),
  };
}

function requireHost(host: string, where: string, code: 'E_USAGE' | 'E_FILE'): void {
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$/.test(host))
    throw new KrunError(code, `invalid value "${host}" for ${where}: must be a host or host:port, without a scheme or path`);
}
