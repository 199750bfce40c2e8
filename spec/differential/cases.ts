// The configurations that all runtimes run. What a fixture takes from its host (limits, namespaces of others, sources of binds) is replaced.
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Config, type Mount, readConfig, type Seccomp } from '../../runtime/config/config.ts';
import type { Bundle } from '../support/bundle.ts';
import {
  all,
  type ConfigChange,
  withLinux,
  withMounts,
  withNamespaces,
  withoutNamespaces,
  withProcess,
  withUserNamespace,
  writableRoot,
} from '../support/change-config.ts';

const tmpfs = (destination: string, ...options: string[]): Mount => ({ destination, type: 'tmpfs', source: 'tmpfs', options });
const bind = (source: string, destination: string, ...options: string[]): Mount => ({ destination, type: 'bind', source, options });
const capabilities = (...names: string[]) => ({ bounding: names, permitted: names, effective: names, inheritable: [], ambient: [] });
const docker = JSON.parse(readFileSync(new URL('../fixtures/seccomp-docker.json', import.meta.url), 'utf8')) as Seccomp;

/** Single changes, which may also be combined: no two of them exclude each other. */
export const changes: Readonly<Record<string, ConfigChange>> = {
  'a writable root': writableRoot,
  'another user with groups': withProcess({ user: { uid: 1000, gid: 1001, additionalGids: [5, 7] } }),
  'a umask': (config) => withProcess({ user: { uid: 0, gid: 0, ...config.process?.user, umask: 0o077 } })(config),
  'an environment': withProcess({ env: ['PATH=/bin', 'A=1', 'B=x y'] }),
  'a working directory': withProcess({ cwd: '/tmp' }),
  'more capabilities': withProcess({ capabilities: capabilities('CAP_CHOWN', 'CAP_SYS_ADMIN', 'CAP_KILL', 'CAP_MKNOD') }),
  'ambient capabilities': withProcess({
    capabilities: { ...capabilities('CAP_CHOWN', 'CAP_NET_RAW'), inheritable: ['CAP_CHOWN'], ambient: ['CAP_CHOWN'] },
  }),
  'resource limits': withProcess({
    rlimits: [
      { type: 'RLIMIT_NOFILE', soft: 99n, hard: 199n },
      { type: 'RLIMIT_CORE', soft: 0n, hard: 0n },
      { type: 'RLIMIT_STACK', soft: 1_000_000n, hard: 2n ** 64n - 1n },
    ],
  }),
  'an oom score': withProcess({ oomScoreAdj: 123 }),
  'new privileges': withProcess({ noNewPrivileges: false }),
  'a host name': (config) => ({ ...config, hostname: 'another' }),
  sysctls: withLinux({ sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '9999' } }),
  'masked and read-only paths': withLinux({ maskedPaths: ['/etc/hosts', '/home', '/nowhere'], readonlyPaths: ['/tmp', '/proc/sys'] }),
  'nothing masked': withLinux({ maskedPaths: [], readonlyPaths: [] }),
  'more devices': withLinux({ devices: [{ path: '/dev/loop9', type: 'b', major: 7, minor: 9, fileMode: 0o640, uid: 1, gid: 6 }] }),
  'file systems': withMounts(
    tmpfs('/mnt', 'nosuid', 'nodev', 'noexec', 'size=1m', 'mode=1770'),
    tmpfs('/mnt/ro', 'ro', 'noatime'),
    tmpfs('/mnt/strict', 'strictatime', 'nodiratime'),
  ),
  binds: withMounts(
    bind('data', '/srv', 'bind'),
    bind('data', '/var', 'rbind', 'ro', 'nosuid', 'nodev'),
    bind('data/file', '/etc/passwd', 'bind', 'ro', 'noexec'),
    bind('data', '/home', 'rbind', 'rprivate', 'rw'),
  ),
  'a private root': withLinux({ rootfsPropagation: 'private' }),
  seccomp: withLinux({ seccomp: docker }),
};

/** Each with its name; what excludes others stands here. */
export const cases: Readonly<Record<string, ConfigChange>> = {
  'the default': (config) => config,
  ...changes,
  'no capabilities at all': withProcess({ capabilities: {} }),
  'no network namespace': all(withoutNamespaces('network'), withoutMounts('/sys')),
  'no ipc namespace': all(withoutNamespaces('ipc'), withoutMounts('/dev/mqueue')),
  'no pid namespace': withoutNamespaces('pid'),
  'no cgroup namespace': withoutNamespaces('cgroup'),
  'no uts namespace': (config) => {
    const { hostname: _, ...rest } = withoutNamespaces('uts')(config);
    return rest;
  },
  'joined namespaces': (config) => {
    const joined = ['uts', 'network', 'ipc'] as const;
    const { hostname: _, ...rest } = withNamespaces(
      ...joined.map((type) => ({ type, path: `/proc/self/ns/${type === 'network' ? 'net' : type}` })),
    )(config);
    return rest;
  },
  'a user namespace': withUserNamespace(),
  'a user namespace with two ranges': all(
    withUserNamespace(),
    withLinux({
      uidMappings: [
        { containerID: 0, hostID: 100_000, size: 10 },
        { containerID: 10, hostID: 200_000, size: 100 },
      ],
    }),
  ),
  tmpcopyup: withMounts(tmpfs('/etc', 'tmpcopyup', 'nosuid')),
  'slave and shared binds': withMounts(bind('data', '/mnt', 'rbind', 'rslave'), bind('data', '/var', 'rbind', 'rshared')),
  'a shared root': withLinux({ rootfsPropagation: 'shared' }),
  'a slave root': withLinux({ rootfsPropagation: 'rslave' }),
  ...Object.fromEntries(['docker', 'podman', 'kubernetes', 'systemd'].map((name) => [`${name}.json`, () => fixture(name)])),
};

/** What binds have for a source, and a root file system that belongs to the root of the user namespace. */
export async function prepareBundle({ path, rootfs }: Bundle): Promise<void> {
  const { linux } = readConfig(await readFile(join(path, 'config.json'), 'utf8'));
  const owner = linux?.uidMappings?.[0]?.hostID;
  if (owner !== undefined) await execa('chown', ['-R', `${owner}:${linux?.gidMappings?.[0]?.hostID ?? owner}`, rootfs]);
  await mkdir(join(path, 'data/below'), { recursive: true });
  await writeFile(join(path, 'data/file'), 'content');
}

function withoutMounts(...destinations: readonly string[]): ConfigChange {
  return (config) => ({
    ...config,
    mounts: (config.mounts ?? []).filter(({ destination }) => !destinations.some((place) => destination.startsWith(place))),
  });
}

function fixture(name: string): Config {
  const config = readConfig(readFileSync(new URL(`../fixtures/configs/${name}.json`, import.meta.url), 'utf8'));
  const { resources, cgroupsPath: _, ...linux } = config.linux ?? {};
  return {
    ...config,
    ociVersion: '1.0.0',
    root: { ...config.root, path: 'rootfs' },
    ...(config.process && { process: { ...config.process, args: ['/probe'], terminal: false, rlimits: [] } }),
    mounts: (config.mounts ?? []).filter(isPortable).map(withLocalSource),
    linux: {
      ...linux,
      resources: { devices: resources?.devices ?? [] },
      namespaces: (linux.namespaces ?? []).map(({ type }) => ({ type })),
    },
  };
}

// lxcfs and remounts are the host's and the runtime's own; idmap and rro came after these versions.
function isPortable({ destination, options = [] }: Mount): boolean {
  return !destination.startsWith('/proc/') && !options.some((option) => ['remount', 'idmap', 'rro'].includes(option));
}

function withLocalSource(mount: Mount): Mount {
  const isBind = mount.options?.some((option) => option === 'bind' || option === 'rbind') ?? false;
  if (!isBind) return mount;
  const isFile = /resolv\.conf|hostname|hosts|termination-log|secrets|\.containerenv/.test(mount.destination);
  return { ...mount, type: 'bind', source: isFile && !mount.destination.includes('secrets') ? 'data/file' : 'data' };
}
