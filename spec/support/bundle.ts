import { randomBytes } from 'node:crypto';
import { chmod, constants, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';

export interface Bundle {
  readonly path: string;
  readonly rootfs: string;
  /** An id that nobody else uses. */
  readonly id: string;
}

/** How a test wants config.json: the default one with /probe as its process comes in; what goes out may be wrong on purpose. */
export type Change = (config: Config) => unknown;

const probe = fileURLToPath(new URL('../../.cache/probe', import.meta.url));

/** A bundle in a temporary directory, gone when the test is over. */
export async function makeBundle(t: ExecutionContext, change: Change = (config) => config): Promise<Bundle> {
  const path = await mkdtemp(join(tmpdir(), 'krun-test-'));
  t.teardown(() => removeBundle(path));
  await chmod(path, 0o755); // a mapped root must be able to come in
  const rootfs = join(path, 'rootfs');
  await makeRootfs(rootfs);
  await writeFile(join(path, 'config.json'), stringifyConfig(change(baseConfig()) as Config));
  return { path, rootfs, id: `test-${randomBytes(6).toString('hex')}` };
}

/** What `krun spec` writes, without a terminal and with the probe. */
export function baseConfig(): Config {
  const config = defaultConfig();
  return config.process === undefined ? config : { ...config, process: { ...config.process, terminal: false, args: ['/probe'] } };
}

const directories = ['bin', 'dev', 'etc', 'home/tester', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'var'];
const applets = ['sh', 'cat', 'echo', 'env', 'false', 'id', 'kill', 'ls', 'mount', 'readlink', 'sleep', 'stat', 'true'];

async function makeRootfs(rootfs: string): Promise<void> {
  for (const directory of directories) await mkdir(join(rootfs, directory), { recursive: true });
  await Promise.all([
    chmod(join(rootfs, 'tmp'), 0o1777),
    copyFile(probe, join(rootfs, 'probe'), constants.COPYFILE_FICLONE),
    copyFile('/bin/busybox', join(rootfs, 'bin/busybox'), constants.COPYFILE_FICLONE),
    ...applets.map((applet) => symlink('busybox', join(rootfs, 'bin', applet))),
    writeFile(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000:tester:/home/tester:/bin/sh\n'),
    writeFile(join(rootfs, 'etc/group'), 'root:x:0:\ntty:x:5:\ntester:x:1000:\n'),
    writeFile(join(rootfs, 'etc/hosts'), '127.0.0.1 localhost\n'),
  ]);
}

// A mount left behind below the bundle would make a recursive removal reach the host's own files.
async function removeBundle(path: string): Promise<void> {
  const mounted = (await mountPoints()).filter((mount) => mount.startsWith(path)).reverse();
  for (const mount of mounted) await execa('umount', ['-l', mount]);
  await rm(path, { recursive: true, force: true });
  if (mounted.length > 0) throw new Error(`mounts were left in the bundle: ${mounted.join(', ')}`);
}

async function mountPoints(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trimEnd().split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '');
}
