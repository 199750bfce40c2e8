// Changes of the default bundle's configuration, for tests that run it.
import type { Config, IdMapping, Linux, Mount, Namespace, NamespaceType, Process } from '../../runtime/config/config.ts';

export type ConfigChange = (config: Config) => Config;

export function withProcess(parts: Partial<Process>): ConfigChange {
  return (config) => (config.process === undefined ? config : { ...config, process: { ...config.process, ...parts } });
}

export function withLinux(parts: Partial<Linux>): ConfigChange {
  return (config) => ({ ...config, linux: { ...config.linux, ...parts } });
}

/** More mounts, after those of the default configuration. */
export function withMounts(...mounts: readonly Mount[]): ConfigChange {
  return (config) => ({ ...config, mounts: [...(config.mounts ?? []), ...mounts] });
}

/** The default namespaces but those of the same types, and these. */
export function withNamespaces(...namespaces: readonly Namespace[]): ConfigChange {
  const types = new Set(namespaces.map(({ type }) => type));
  return (config) =>
    withLinux({ namespaces: [...(config.linux?.namespaces ?? []).filter(({ type }) => !types.has(type)), ...namespaces] })(config);
}

export function withoutNamespaces(...types: readonly NamespaceType[]): ConfigChange {
  return (config) => withLinux({ namespaces: (config.linux?.namespaces ?? []).filter(({ type }) => !types.includes(type)) })(config);
}

/** A user namespace of 65536 ids from 100000 on. */
export function withUserNamespace(mapping: IdMapping = { containerID: 0, hostID: 100_000, size: 65_536 }): ConfigChange {
  return all(withNamespaces({ type: 'user' }), withLinux({ uidMappings: [mapping], gidMappings: [mapping] }));
}

export function all(...changes: readonly ConfigChange[]): ConfigChange {
  return (config) => changes.reduce((changed, change) => change(changed), config);
}

export const writableRoot: ConfigChange = (config) => ({ ...config, root: { ...config.root, readonly: false } });

export const isRoot = process.geteuid?.() === 0;
