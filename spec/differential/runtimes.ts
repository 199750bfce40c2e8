// The same bundle by krun and by the runtimes of the distribution, each alone in a mount namespace where cgroup2 is all there is.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { krunBinary } from '../support/krun.ts';

export type RuntimeName = 'krun' | 'runc' | 'crun';

export const others = (['runc', 'crun'] as const).filter((name) => find(name) !== undefined);

export interface Run {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly bundle: Bundle;
}

/** A fresh bundle, so that none finds what another has made. */
export async function runBy(
  t: ExecutionContext,
  runtime: RuntimeName,
  change: (config: Config, bundle: string) => unknown,
  prepare?: (bundle: Bundle) => Promise<unknown>,
): Promise<Run> {
  const bundle = await makeBundle(t, (config) => change({ ...config, ociVersion: '1.0.0' }, '.'));
  await prepare?.(bundle);
  const state = join(bundle.path, `state-${runtime}`);
  const binary = runtime === 'krun' ? krunBinary : (find(runtime) ?? runtime);
  // To load a device program crun raises RLIMIT_MEMLOCK, which takes CAP_SYS_RESOURCE.
  const manager = runtime === 'crun' ? ['--cgroup-manager', 'disabled'] : [];
  const words = [binary, ...manager, '--root', state, 'run', '--bundle', bundle.path, bundle.id];
  const { exitCode, stdout, stderr } = await execa('unshare', ['--mount', 'sh', '-c', onlyCgroup2, 'sh', ...words], {
    cwd: bundle.path,
    reject: false,
    input: '', // not /dev/null: for a user namespace crun 1.8 gives the host's own null device to the mapped root
    timeout: 30_000,
  });
  return { status: exitCode, stdout, stderr, bundle };
}

const onlyCgroup2 = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';

export function find(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .concat('/usr/sbin', '/usr/bin')
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
