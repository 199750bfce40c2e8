import { lacksNamespace, type Namespace, type NamespaceType } from './namespaces.ts';
import type { Path, Report } from './problem.ts';
import type { Draft } from './schema.ts';

type Owner = Draft<{ readonly namespaces?: readonly Namespace[]; readonly sysctl?: Readonly<Record<string, string>> }>;

const ipcSysctls: readonly string[] = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
];

/**
 * The path below /proc/sys of a key of linux.sysctl, or undefined if it is none. As sysctl(8): the first separator,
 * dot or slash, is the separator; the other one is then a dot in a name, so net/ipv4/conf/eth0.1 is net.ipv4.conf.eth0/1.
 */
export function sysctlPath(key: string): string | undefined {
  const separator = /[./]/.exec(key)?.[0];
  if (separator === undefined) return undefined;
  const names = key.split(separator).map((name) => (separator === '.' ? name.replaceAll('/', '.') : name));
  const isPath = names.every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'));
  return isPath ? names.join('/') : undefined;
}

/**
 * Reports sysctls that are not the container's own: outside of a namespace the write would change the host.
 * Whether a joined network namespace is the host's is not known here.
 */
export function reportSysctls(linux: Owner, domainname: string | undefined, report: Report): void {
  const seen = new Map<string, string>();
  for (const [key, value] of Object.entries(linux.sysctl ?? {})) {
    const place = ['linux', 'sysctl', key];
    const path = sysctlPath(key);
    if (path === undefined) {
      report.error(place, 'must be the name of a sysctl, such as net.core.somaxconn', { code: 'E_BAD_SYSCTL' });
      continue;
    }
    const twin = seen.get(path);
    if (twin !== undefined)
      report.error(place, `must not stand twice: ${JSON.stringify(twin)} is the same sysctl`, { code: 'E_BAD_SYSCTL' });
    seen.set(path, key);
    reportOwner(linux, path, place, report);
    if (path === 'kernel/domainname' && domainname !== undefined && value !== domainname) {
      report.error(place, 'must be the same as domainname, if both are given', { code: 'E_BAD_SYSCTL' });
    }
  }
}

function reportOwner(linux: Owner, path: string, place: Path, report: Report): void {
  if (path === 'kernel/hostname') {
    report.error(place, 'must not be set here', { code: 'E_BAD_SYSCTL', hint: 'use the property hostname' });
    return;
  }
  const owner = sysctlOwner(path);
  if (owner === undefined) {
    report.error(place, 'must belong to a namespace: it would change the host', { code: 'E_BAD_SYSCTL' });
  } else if (lacksNamespace(linux, owner)) {
    const hint = `add {"type": "${owner}"} to linux.namespaces`;
    report.error(place, `must come with a namespace of type ${owner}: it would change the host`, { code: 'E_BAD_SYSCTL', hint });
  }
}

/** The type of namespace that a path below /proc/sys belongs to; undefined for the host's own. */
export function sysctlOwner(path: string): NamespaceType | undefined {
  if (ipcSysctls.includes(path) || path.startsWith('fs/mqueue/')) return 'ipc';
  if (path.startsWith('net/')) return 'network';
  if (path === 'kernel/domainname') return 'uts';
  return path.startsWith('user/') ? 'user' : undefined;
}
