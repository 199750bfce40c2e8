// What this machine offers to a start. Reads only; each fact when it is first asked for, and once.
import { readFileSync } from 'node:fs';
import type { HostFacts } from '../plan/host-facts.ts';
import { findCgroup2, findVersion1Controllers, isCgroup2 } from './cgroup2.ts';
import { readIdMapFacts } from './id-map-facts.ts';
import { readMountTable } from './mount-table.ts';
import { parseMountinfo } from './mountinfo.ts';
import { readSystemdFacts } from './systemd.ts';

export interface FactsOptions {
  /** The helper's: whose cgroup and mounts count. */
  readonly pid: number;
  /** The caller's effective uid. */
  readonly uid: number;
  /** The caller's effective gid. */
  readonly gid?: number;
  /** The caller's environment: where its D-Bus is. */
  readonly env?: ReadonlyMap<string, string>;
  /** Another /proc and /sys, for tests. */
  readonly proc?: string;
  readonly sysBlock?: string;
  readonly sysModule?: string;
}

export function readHostFacts(options: FactsOptions): HostFacts {
  const { pid, uid, gid = uid, env = new Map(), proc = '/proc', sysBlock = '/sys/block', sysModule = '/sys/module' } = options;
  const mountinfo = once(() => readMountTable(proc, pid));
  const cgroup = () => readOptional(`${proc}/${pid}/cgroup`);
  const cgroup2 = once(() => findCgroup2({ mountinfo: mountinfo(), cgroup: cgroup(), isCgroup2, sysBlock }));
  const version1Controllers = once(() => findVersion1Controllers(mountinfo(), readOptional(`${proc}/cgroups`)));
  const inUserNamespace = once(() => !/^(\s*0\s+0\s+4294967295)?\s*$/.test(readOptional(`${proc}/${pid}/uid_map`)));
  const deniesSetgroups = once(() => inUserNamespace() && deniesSetgroupsTo({ pid, proc }));
  const idMaps = once(() => readIdMapFacts({ uid, gid }));
  const resctrl = once(() => {
    const [mount] = parseMountinfo(mountinfo(), ['resctrl']);
    return mount === undefined
      ? null
      : { mountpoint: mount.mountpoint, schemataOf: (path: string) => readOptional(`${path}/schemata`) || null };
  });
  const kernelRelease = once(() => readOptional(`${proc}/sys/kernel/osrelease`).trim());
  // selinuxfs is registered only where SELinux has been enabled at boot.
  const securityModules = once(() => ({
    apparmor: readOptional(`${sysModule}/apparmor/parameters/enabled`).startsWith('Y'),
    selinux: /^nodev\tselinuxfs$/m.test(readOptional(`${proc}/filesystems`)),
  }));
  const systemd = once(() =>
    readSystemdFacts({ uid, env, uidMap: readOptional(`${proc}/${pid}/uid_map`), firstCgroup: readOptional(`${proc}/1/cgroup`) }),
  );
  return {
    architecture: architectures[process.arch] ?? process.arch,
    euid: uid,
    get kernelRelease() {
      return kernelRelease();
    },
    get inUserNamespace() {
      return inUserNamespace();
    },
    get deniesSetgroups() {
      return deniesSetgroups();
    },
    get idMaps() {
      return idMaps();
    },
    get cgroup2() {
      return cgroup2();
    },
    get version1Controllers() {
      return version1Controllers();
    },
    get resctrl() {
      return resctrl();
    },
    get securityModules() {
      return securityModules();
    },
    get systemd() {
      return systemd();
    },
  };
}

/** Whether a process is in a user namespace that forbids to set supplementary groups: user_namespaces(7). */
export function deniesSetgroupsTo({ pid, proc = '/proc' }: Pick<FactsOptions, 'pid' | 'proc'>): boolean {
  return readOptional(`${proc}/${pid}/setgroups`).startsWith('deny');
}

/** The cgroup of another process below the cgroup2 mount that the caller sees; null when it has gone or lies elsewhere. */
export function cgroupOfProcess({ pid, proc = '/proc' }: Pick<FactsOptions, 'pid' | 'proc'>, other: number): string | null {
  const [mountinfo, cgroup] = [readOptional(`${proc}/${pid}/mountinfo`), readOptional(`${proc}/${other}/cgroup`)];
  return findCgroup2({ mountinfo, cgroup, isCgroup2, sysBlock: '/sys/block' })?.own ?? null;
}

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

function once<T>(read: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => {
    result ??= { value: read() };
    return result.value;
  };
}

// A kernel without user namespaces or without cgroups lacks the file.
function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
