// Where a user's credentials for a registry are: the files of docker and podman, and the helper programs that they name.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KrunError } from '../errors/krun-error.ts';
import { defaultRegistry } from '../image/reference.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string };

export interface CredentialsPlace {
  readonly env: ReadonlyMap<string, string>;
  readonly uid: number;
  /** --authfile; then nothing else counts. */
  readonly authfile: string | null;
}

/** The most specific that is known for a repository, or null. E_UNAUTHORIZED for files and helpers that cannot be read. */
export async function findCredentials(place: CredentialsPlace, registry: string, repository: string): Promise<Credentials | null> {
  for (const { path, mustExist } of credentialFiles(place)) {
    const file = readCredentialFile(path, mustExist);
    const found = file && (await credentialsIn(file, path, keysOf(registry, repository)));
    if (found) return found;
  }
  return null;
}

interface CredentialFile {
  readonly auths?: Readonly<
    Record<string, { readonly auth?: string; readonly username?: string; readonly password?: string; readonly identitytoken?: string }>
  >;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** As containers-auth.json(5) has it, then docker's. */
export function credentialFiles({ env, authfile }: CredentialsPlace): readonly { path: string; mustExist: boolean }[] {
  const given = authfile ?? env.get('REGISTRY_AUTH_FILE') ?? '';
  if (given !== '') return [{ path: given, mustExist: true }];
  const home = env.get('HOME') ?? '';
  const runtime = env.get('XDG_RUNTIME_DIR') ?? '';
  const config = env.get('XDG_CONFIG_HOME') || (home && join(home, '.config'));
  const docker = env.get('DOCKER_CONFIG') || (home && join(home, '.docker'));
  const paths = [
    runtime && join(runtime, 'containers/auth.json'),
    config && join(config, 'containers/auth.json'),
    docker && join(docker, 'config.json'),
  ];
  return paths.filter((path) => path !== '').map((path) => ({ path, mustExist: false }));
}

function readCredentialFile(path: string, mustExist: boolean): CredentialFile | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as CredentialFile;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (!mustExist && (code === 'ENOENT' || code === 'ENOTDIR')) return null;
    throw new KrunError('E_UNAUTHORIZED', code === '' ? 'the credentials are not JSON' : 'the credentials cannot be read', {
      path,
      ...(code === '' ? {} : { errno: code }),
      hint: 'skopeo login, podman login and docker login write such files',
    });
  }
}

// podman's files also have entries for a namespace or a repository; docker's key for the default registry is a URL.
function keysOf(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/');
  const narrow = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join('/')}`);
  const legacy =
    registry === defaultRegistry ? ['https://index.docker.io/v1/', 'index.docker.io'] : [`https://${registry}`, `https://${registry}/v1/`];
  return [...narrow, registry, ...legacy];
}

async function credentialsIn(file: CredentialFile, path: string, keys: readonly string[]): Promise<Credentials | null> {
  for (const key of keys) {
    const helper = file.credHelpers?.[key];
    const entry = file.auths?.[key];
    const isWhole = !key.includes('/') || key.startsWith('https://'); // a store knows registries, not repositories
    const store = helper ?? (isWhole && !entry?.auth && !entry?.identitytoken ? file.credsStore : undefined);
    const found = store === undefined || store === '' ? readEntry(entry, path) : await askHelper(store, key);
    if (found !== null) return found;
  }
  return null;
}

function readEntry(entry: NonNullable<CredentialFile['auths']>[string] | undefined, path: string): Credentials | null {
  if (entry === undefined) return null;
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  if (entry.username && entry.password) return { kind: 'password', username: entry.username, password: entry.password };
  if (!entry.auth) return null;
  const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(entry.auth, 'base64').toString().replace(/\0+$/, '')) ?? [];
  if (username === undefined || password === undefined)
    throw new KrunError('E_UNAUTHORIZED', 'an entry of the credentials is damaged', { path });
  return { kind: 'password', username, password };
}

// docker-credential-NAME get: the key on its standard input, JSON on its standard output.
function askHelper(name: string, key: string): Promise<Credentials | null> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw new KrunError('E_UNAUTHORIZED', `"${name}" is no name of a credential helper`);
  const program = `docker-credential-${name}`;
  return new Promise((resolve, reject) => {
    const refuse = (why: string) => reject(new KrunError('E_UNAUTHORIZED', `${program} does not give the credentials for ${key}: ${why}`));
    const child = execFile(program, ['get'], { timeout: 60_000, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      if (/credentials not found/.test(stdout + stderr)) return resolve(null);
      if (error !== null)
        return refuse((stdout + stderr).trim().split('\n')[0] || (error.code === 'ENOENT' ? 'it is not installed' : error.message));
      try {
        const { Username: username = '', Secret: secret = '' } = JSON.parse(stdout) as { Username?: string; Secret?: string };
        resolve(username === '<token>' ? { kind: 'identity', token: secret } : { kind: 'password', username, password: secret });
      } catch {
        refuse('its answer is not JSON');
      }
    });
    child.stdin?.on('error', () => {}); // one that does not read is told of by its status
    child.stdin?.end(key);
  });
}
