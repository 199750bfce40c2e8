import type { Config } from '../config/config.ts';
import { createsNamespace, lacksNamespace } from '../config/namespaces.ts';
import { sysctlPath } from '../config/sysctl.ts';
import { isDomainName, sysctlPointer } from './host-name.ts';
import type { Op } from './ops.ts';

export interface SysctlPlan {
  /** Before the clone. */
  readonly host: readonly Op[];
  /** In init, before pivotRoot: a user namespace gets a procfs only while it sees one that nothing covers. */
  readonly init: readonly Op[];
}

/** linux.sysctl, written through a procfs that is mounted nowhere; which sysctls are allowed is the configuration's to check. */
export function planSysctls({ linux }: Pick<Config, 'linux'>): SysctlPlan {
  const writes = Object.entries(linux?.sysctl ?? {}).flatMap(([key, value]) => planSysctl(key, value));
  if (writes.length === 0) return { host: [], init: [] };
  const open: Op = { op: 'openProc', pointer: '/linux/sysctl', proc };
  return mayOpenProc(linux) ? { host: [], init: [open, ...writes] } : { host: [open], init: writes };
}

const proc = 'sysctl-proc';

function planSysctl(key: string, value: string): Op[] {
  const path = sysctlPath(key);
  return path === undefined || isDomainName(key) ? [] : [{ op: 'setSysctl', pointer: sysctlPointer(key), proc, path, value }];
}

// In the host's procfs the files below sys/ are still those of who opens them.
/** procfs takes CAP_SYS_ADMIN over the pid namespace, which init has not in a user namespace unless its pid namespace is new too. */
export function mayOpenProc(linux: Config['linux']): boolean {
  return lacksNamespace(linux, 'user') || createsNamespace(linux, 'pid');
}
