import { copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';

export interface BenchBundle {
  readonly directory: string;
  /** Runs /bin/true. */
  readonly quick: string;
  /** Runs until it is killed. */
  readonly lasting: string;
  readonly rootfs: string;
}

/** Two bundles with one rootfs: what `krun spec` writes (the same as `runc spec`'s), but for terminal and command. */
export function makeBenchBundle(): BenchBundle {
  const directory = mkdtempSync(join(tmpdir(), 'krun-bench-'));
  const rootfs = join(directory, 'rootfs');
  for (const name of ['bin', 'proc', 'sys', 'dev']) mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const applet of ['true', 'sleep']) symlinkSync('busybox', join(rootfs, 'bin', applet));
  return {
    directory,
    rootfs,
    quick: writeBundle(directory, 'quick', ['/bin/true']),
    lasting: writeBundle(directory, 'lasting', ['/bin/sleep', '1000']),
  };
}

function writeBundle(directory: string, name: string, args: string[]): string {
  const base = defaultConfig();
  const process = base.process && { ...base.process, terminal: false, args };
  // 1.0.2 is what the oldest of the contenders knows.
  const config = {
    ...base,
    ociVersion: '1.0.2',
    root: { path: join(directory, 'rootfs'), readonly: true },
    ...(process && { process }),
  } satisfies Config;
  const path = join(directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), stringifyConfig(config));
  return path;
}
