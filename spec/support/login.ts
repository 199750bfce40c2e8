// Logins of the test VM's ordinary users, and bundles of theirs: a home and an environment as PAM makes them, all in reach of their systemd.
import { randomBytes } from 'node:crypto';
import { chown, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';
import { withProcess } from './change-config.ts';
import { type KrunResult, krunBinary } from './krun.ts';

export interface Login {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
}

/** `user` has 65536 subordinate ids from 100000 on and a lingering systemd, `plain` has neither. */
export async function logIn(name: 'user' | 'plain'): Promise<Login> {
  const id = async (flag: string) => Number((await execa('id', [flag, name])).stdout);
  const [uid, gid] = [await id('-u'), await id('-g')];
  const runtime = `/run/user/${uid}`;
  if (name === 'plain') await execa('systemctl', ['start', `user@${uid}.service`]); // as pam_systemd does
  const env = {
    HOME: `/home/${name}`,
    USER: name,
    LOGNAME: name,
    XDG_RUNTIME_DIR: runtime,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtime}/bus`,
  };
  return { name, uid, gid, env: { ...env, PATH: process.env['PATH'] ?? '/usr/bin:/bin' } };
}

/** Runs a program as that user, with the groups of a login. */
export async function as(
  { uid, gid, env }: Login,
  program: readonly string[],
  options: { cwd?: string; input?: string; env?: Record<string, string | undefined> } = {},
): Promise<KrunResult> {
  const { cwd = '/', input = '', env: more = {} } = options;
  const words = [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', ...program];
  const result = await execa('setpriv', words, {
    cwd,
    input,
    extendEnv: false,
    env: { ...env, ...more },
    reject: false,
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  return { status: result.exitCode ?? 255, signal: result.signal, stdout: String(result.stdout), stderr: String(result.stderr) };
}

export interface UserBundle {
  readonly id: string;
  readonly path: string;
  readonly krun: (args: readonly string[], options?: Parameters<typeof as>[2]) => Promise<KrunResult>;
}

/** A bundle of the user's in its home, made from what `krun spec --rootless` writes; gone, with its container, after the test. */
export async function makeUserBundle(
  t: ExecutionContext,
  login: Login,
  change: (config: Config) => unknown = (config) => config,
): Promise<UserBundle> {
  const path = await mkdtemp(`/home/${login.name}/krun-test-`);
  const id = `test-${randomBytes(6).toString('hex')}`;
  const krun: UserBundle['krun'] = (args, options) => as(login, [krunBinary, ...args], { cwd: path, ...options });
  t.teardown(async () => {
    await krun(['delete', '--force', id]);
    await rm(path, { recursive: true, force: true });
  });
  const rootfs = join(path, 'rootfs');
  for (const directory of ['bin', 'dev', 'etc', 'mnt', 'proc', 'sys', 'tmp']) await mkdir(join(rootfs, directory), { recursive: true });
  await copyFile(new URL('../../.cache/probe', import.meta.url), join(rootfs, 'probe'));
  await copyFile('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const name of ['sh', 'cat', 'echo', 'id', 'ls', 'rm', 'sleep']) await symlink('busybox', join(rootfs, 'bin', name));
  const config = withProcess({ terminal: false, args: ['/probe'] })(defaultConfig({ rootless: login }));
  await writeFile(join(path, 'config.json'), stringifyConfig(change(config) as Config));
  await give(path, login);
  return { id, path, krun };
}

async function give(path: string, login: Login): Promise<void> {
  await chown(path, login.uid, login.gid);
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink()) await chown(join(entry.parentPath, entry.name), login.uid, login.gid);
}
