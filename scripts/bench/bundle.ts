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
  /** The same two without device rules. */
  readonly withoutDevices: { readonly quick: string; readonly lasting: string };
  readonly rootfs: string;
}

/** Two bundles with one rootfs: what `krun spec` writes (the same as `runc spec`'s), but for terminal and command. */
export function makeBenchBundle(): BenchBundle {
  const directory = mkdtempSync(join(tmpdir(), 'krun-bench-'));
  const rootfs = join(directory, 'rootfs');
  for (const name of ['bin', 'proc', 'sys', 'dev']) mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const applet of ['true', 'sleep']) symlinkSync('busybox', join(rootfs, 'bin', applet));
  const quick = benchConfig(rootfs, ['/bin/true']);
  const lasting = benchConfig(rootfs, ['/bin/sleep', '1000']);
  return {
    directory,
    rootfs,
    quick: writeBundle(directory, 'quick', quick),
    lasting: writeBundle(directory, 'lasting', lasting),
    withoutDevices: {
      quick: writeBundle(directory, 'quick-without-devices', withoutDevices(quick)),
      lasting: writeBundle(directory, 'lasting-without-devices', withoutDevices(lasting)),
    },
  };
}

// 1.0.2 is what the oldest of the contenders knows.
function benchConfig(rootfs: string, args: string[]): Config {
  const base = defaultConfig();
  const process = base.process && { ...base.process, terminal: false, args };
  return { ...base, ociVersion: '1.0.2', root: { path: rootfs, readonly: true }, ...(process && { process }) };
}

function withoutDevices(config: Config): Config {
  const { resources: _, ...linux } = config.linux ?? {};
  return { ...config, linux };
}

function writeBundle(directory: string, name: string, config: Config): string {
  const path = join(directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), stringifyConfig(config));
  return path;
}
