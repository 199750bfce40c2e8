import type { Config, NamespaceType } from '../config/config.ts';

/**
 * Whether the user namespace that the container runs in owns its namespace of this type, so that it may mount what shows it
 * (sysfs: network, cgroup2: cgroup). One that is joined belongs to whoever made it: never to a new user namespace.
 */
export function ownsNamespace({ linux }: Config, type: NamespaceType): boolean {
  const namespaces = linux?.namespaces ?? [];
  const user = namespaces.find((namespace) => namespace.type === 'user');
  const found = namespaces.find((namespace) => namespace.type === type);
  if (found === undefined) return false;
  return found.path === undefined || user === undefined || user.path !== undefined;
}

export function hasUserNamespace({ linux }: Config): boolean {
  return linux?.namespaces?.some(({ type }) => type === 'user') ?? false;
}
