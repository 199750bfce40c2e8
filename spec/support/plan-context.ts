import type { Config } from '../../runtime/config/config.ts';
import type { FileSystemContext } from '../../runtime/plan/file-system-context.ts';
import type { Op, OpName, OpOf } from '../../runtime/plan/ops.ts';

/** What root on an ordinary host plans with. */
export const privilegedContext: FileSystemContext = {
  bundle: '/bundle',
  layers: null,
  privileged: true,
  inUserNamespace: false,
  cgroup2: '/sys/fs/cgroup',
  cgroup: { mountpoint: '/sys/fs/cgroup', path: '/krun/test' },
};

/** The least that can be planned, with more parts of config.json. */
export function configWith(parts: Partial<Omit<Config, 'linux'>> & { readonly linux?: Config['linux'] } = {}): Config {
  const { linux, ...others } = parts;
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    ...others,
    linux: { namespaces: ['mount', 'pid', 'network', 'cgroup'].map((type) => ({ type }) as never), ...linux },
  };
}

export function opsOf<Name extends OpName>(ops: readonly Op[], name: Name): readonly OpOf<Name>[] {
  return ops.filter((op): op is OpOf<Name> => op.op === name);
}
