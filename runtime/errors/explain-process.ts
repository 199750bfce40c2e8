// Why an attribute of the container's process was refused.
import { errnoName } from './errno.ts';
import { explainUnsafePath } from './explain-mounts.ts';
import { type Explainer, explained, type FailureFacts, fieldsOf, lookUp, quote, reason, refused } from './failure.ts';
import type { FailureReport } from './failure-report.ts';

/** setrlimit. */
export const explainRlimit: Explainer = (report, facts) => {
  const type = lookUp(facts.config, `${report.pointer}/type`);
  const what = typeof type === 'string' ? type : 'the resource limit';
  const hints: Readonly<Record<string, string>> = {
    EPERM: "a hard limit above the caller's own needs CAP_SYS_RESOURCE (RLIMIT_NOFILE: nor may it exceed fs.nr_open)",
    EINVAL: 'the soft limit must not exceed the hard limit',
  };
  return explained(report, 'E_PROCESS', reason(report, what), hints[errnoName(report.errno)]);
};

/** setUser: ids that the user namespace does not map. */
export const explainUser: Explainer = (report, facts) => {
  const { uid = 0, gid = 0 } = (lookUp(facts.config, '/process/user') ?? {}) as { uid?: number; gid?: number };
  const pointed = report.pointer === '' ? { ...report, pointer: '/process/user' } : report;
  if (errnoName(report.errno) === 'EINVAL') {
    const which =
      report.syscall === 'setgroups' ? 'a group of additionalGids' : report.syscall === 'setresgid' ? `gid ${gid}` : `uid ${uid}`;
    return explained(
      pointed,
      'E_ID_MAP',
      `${which} is not mapped in the user namespace`,
      'enlarge linux.uidMappings and linux.gidMappings; without privileges: usermod --add-subuids, --add-subgids',
    );
  }
  if (errnoName(report.errno) === 'EPERM' && report.syscall === 'setgroups') {
    return explained(
      pointed,
      'E_PROCESS',
      'supplementary groups cannot be set: operation not permitted',
      'a user namespace with a single mapped gid denies setgroups: leave additionalGids out',
    );
  }
  return explained(pointed, 'E_PROCESS', reason(report, 'the user of the process cannot be set'));
};

/** changeDirectory: process.cwd. */
export const explainDirectory: Explainer = (report, facts) => {
  const cwd = quote(report.path || String(lookUp(facts.config, '/process/cwd') ?? ''));
  const pointed = report.pointer === '' ? { ...report, pointer: '/process/cwd' } : report;
  if (report.syscall === 'getcwd') return explained(pointed, 'E_CWD_OUTSIDE', `working directory ${cwd} is not inside the container`);
  return explained(pointed, 'E_PROCESS', reason({ ...report, path: '' }, `working directory ${cwd}`));
};

/** installSeccomp. */
export const explainSeccomp: Explainer = (report) => {
  const hints: Readonly<Record<string, string>> = {
    EACCES: 'without CAP_SYS_ADMIN a filter needs process.noNewPrivileges',
    EINVAL: 'does this kernel know the actions and flags of linux.seccomp?',
    ENOMEM: 'the filter, with those that the caller is under, is too long',
    EBUSY: 'the caller is under a filter with a listener of its own, and the kernel has but one a process',
  };
  return explained(report, 'E_SECCOMP', reason(report, 'the seccomp filter cannot be installed'), hints[errnoName(report.errno)]);
};

/** takeListener. */
export const explainListener: Explainer = refused('E_SECCOMP', 'the seccomp listener cannot be taken from the process', {
  EPERM: 'krun must be allowed to trace it: see kernel.yama.ptrace_scope, and the filter that krun itself is under',
  ENOSYS: 'the filter that krun itself is under must allow pidfd_getfd',
});

/** setSysctl. */
export const explainSysctl: Explainer = (report, facts) => {
  const name = report.pointer.split('/').at(-1)?.replaceAll('~1', '/').replaceAll('~0', '~') || report.path;
  const value = lookUp(facts.config, report.pointer);
  switch (errnoName(report.errno)) {
    case 'ENOENT':
      return explained(
        report,
        'E_BAD_SYSCTL',
        `this kernel has no sysctl ${quote(name)}`,
        'a module may be missing, such as nf_conntrack or ipv6',
      );
    case 'EINVAL':
    case 'ERANGE':
      return explained(
        report,
        'E_BAD_SYSCTL',
        `the kernel refused ${typeof value === 'string' ? quote(value) : 'the value'} for sysctl ${quote(name)}`,
      );
  }
  return explained(report, 'E_BAD_SYSCTL', reason({ ...report, path: '' }, `sysctl ${quote(name)}`));
};

/** preserveDescriptors: --preserve-fds, or LISTEN_FDS before it, names one that the caller has not. */
export const explainPreserved: Explainer = (report) => {
  const descriptor = fieldsOf(report.detail).get('descriptor');
  const which = descriptor === undefined ? 'one of the descriptors' : `descriptor ${descriptor}`;
  return explained(
    report,
    'E_USAGE',
    `--preserve-fds: ${which} is not open`,
    'they are counted from 3, without gaps, those of LISTEN_FDS first',
  );
};

/** maskPath, setPathReadonly, createDirectory, createSymlink: what is made below the root. */
export function belowRoot(what: string): Explainer {
  const otherwise = refused('E_ROOTFS', what);
  return (report: FailureReport, facts: FailureFacts) =>
    ['ELOOP', 'EXDEV'].includes(errnoName(report.errno)) ? explainUnsafePath(report, facts) : otherwise(report, facts);
}
