import type { Config } from '../config/config.ts';
import { sysctlPath } from '../config/sysctl.ts';
import type { Op } from './ops.ts';

/** hostname and domainname, in init's own uts namespace. kernel.domainname of linux.sysctl is the same as domainname, and is set here too. */
export function planHostName({ hostname, domainname, linux }: Pick<Config, 'hostname' | 'domainname' | 'linux'>): readonly Op[] {
  const ops: Op[] = [];
  if (hostname !== undefined) ops.push({ op: 'sethostname', pointer: '/hostname', name: hostname });
  if (domainname !== undefined) ops.push({ op: 'setdomainname', pointer: '/domainname', name: domainname });
  for (const [key, value] of Object.entries(linux?.sysctl ?? {})) {
    if (isDomainName(key) && domainname === undefined) ops.push({ op: 'setdomainname', pointer: sysctlPointer(key), name: value });
  }
  return ops;
}

/** The sysctl that setdomainname(2) sets: its file belongs to the host's root, whom a user namespace has not. */
export function isDomainName(key: string): boolean {
  return sysctlPath(key) === 'kernel/domainname';
}

export function sysctlPointer(key: string): string {
  return `/linux/sysctl/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
