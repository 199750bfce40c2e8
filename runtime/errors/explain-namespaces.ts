// Why a namespace could not be made or joined.
import { scopeOfUser } from './delegation-remedy.ts';
import { errnoName } from './errno.ts';
import { type Explainer, explained, type FailureFacts, fieldsOf, lookUp, quote, reason } from './failure.ts';
import type { FailureReport } from './failure-report.ts';

/** clone: namespaces that may not be made, limits, and the cgroup to start in. */
export const explainClone: Explainer = (report, facts) => {
  const off = userNamespacesOff(report, facts);
  if (off !== null) return off;
  switch (errnoName(report.errno)) {
    case 'EPERM':
      return explained(report, 'E_NAMESPACE', 'making namespaces: operation not permitted', needsRoot(facts));
    case 'ENOSPC':
      return explained(
        report,
        'E_NAMESPACE',
        'the limit on the number of namespaces is reached',
        'raise user.max_*_namespaces (sysctl -a | grep user.max), or remove containers',
      );
    case 'EAGAIN':
      return explained(
        report,
        'E_SYSTEM',
        'the limit on the number of processes is reached (pids.max of the cgroup, or RLIMIT_NPROC)',
        'raise linux.resources.pids.limit; 1 is needed to start',
      );
    case 'EBUSY':
    case 'EOPNOTSUPP':
      return explained(
        report,
        'E_BAD_CGROUP',
        'the cgroup of the container cannot hold processes: it is threaded, or has controllers enabled for cgroups below it',
        'move the processes of its parent into a cgroup of their own (…/init), or choose another linux.cgroupsPath',
      );
    case 'EACCES':
      return explained(
        report,
        'E_BAD_CGROUP',
        'no permission to start a process in the cgroup',
        facts.uid === 0
          ? 'cgroup.procs of it and of the common ancestor must be writable: use a delegated cgroup'
          : `a user moves processes only inside of what is delegated, so krun must be in there too: ${scopeOfUser}`,
      );
    case 'ECHILD':
      return explainVanished(report, facts);
    case 'EINVAL':
      return explained(report, 'E_NAMESPACE', 'this kernel lacks one of the namespaces of config.json, or cannot combine them');
    default:
      return explained(report, 'E_NAMESPACE', reason(report, 'the first process of the container cannot be made'));
  }
};

/** A wait for the child that ended: the child is gone and could not say why. */
export const explainVanished: Explainer = (report, facts) => {
  const fields = fieldsOf(report.detail);
  const signal = Number(fields.get('signal') ?? 0);
  if (signal === 0) {
    const status = fields.get('status');
    if (status === undefined) return explained(report, 'E_SYSTEM', reason(report, 'the set-up of the container did not answer'));
    return explained(report, 'E_SET_UP_KILLED', `set-up of the container ended with status ${status} before its program started`);
  }
  return signal === 9
    ? killed(report, facts)
    : explained(report, 'E_SET_UP_KILLED', `set-up was killed by ${nameOf(signal)}`, hintFor(signal));
};

// The set-up is charged for the helper's pages, page tables and what its mounts need in the kernel: below this, the limit is the likely cause.
const smallMemory = 4 * 1024 * 1024;

function killed(report: FailureReport, { config }: FailureFacts): ReturnType<Explainer> {
  const limit = Number(lookUp(config, '/linux/resources/memory/limit') ?? 0);
  const oom = fieldsOf(report.detail).get('oom') === '1';
  if (limit > 0 && (oom || limit < smallMemory)) {
    const pointed = { ...report, pointer: '/linux/resources/memory/limit' };
    return explained(
      pointed,
      'E_SET_UP_KILLED',
      `memory limit ${readableSize(limit)} is too small to start: set-up was killed for lack of memory`,
      'at least 4 MiB should be allowed',
    );
  }
  return explained(
    report,
    'E_SET_UP_KILLED',
    'set-up was killed by SIGKILL: by somebody, or for lack of memory',
    'dmesg tells whether the kernel ran out of memory',
  );
}

function nameOf(signal: number): string {
  return (
    { 6: 'SIGABRT', 7: 'SIGBUS', 11: 'SIGSEGV', 15: 'SIGTERM', 24: 'SIGXCPU', 25: 'SIGXFSZ', 31: 'SIGSYS' }[signal] ?? `signal ${signal}`
  );
}

function hintFor(signal: number): string | undefined {
  if (signal === 31) return 'the seccomp profile kills what every start needs, such as execve';
  return signal === 24 || signal === 25 ? 'a value of process.rlimits is too small' : undefined;
}

function readableSize(bytes: number): string {
  if (bytes % 1048576 === 0) return `${bytes / 1048576} MiB`;
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`;
}

function userNamespacesOff(report: FailureReport, facts: FailureFacts): ReturnType<Explainer> | null {
  const errno = errnoName(report.errno);
  if (errno === 'ENOSPC' && facts.maxUserNamespaces === 0) {
    return explained(
      report,
      'E_USERNS_OFF',
      'user namespaces are off (user.max_user_namespaces=0)',
      'sysctl -w user.max_user_namespaces=10000',
    );
  }
  if (facts.uid === 0 || (errno !== 'EPERM' && errno !== 'EACCES')) return null;
  if (facts.unprivilegedUserNamespaces === 0) {
    return explained(
      report,
      'E_USERNS_OFF',
      'unprivileged user namespaces are off (kernel.unprivileged_userns_clone=0)',
      'sysctl -w kernel.unprivileged_userns_clone=1',
    );
  }
  if (facts.apparmorRestrictsUserNamespaces === 1) {
    return explained(
      report,
      'E_USERNS_OFF',
      'user namespaces are blocked by AppArmor (kernel.apparmor_restrict_unprivileged_userns=1, Ubuntu 24.04 and later)',
      'install an AppArmor profile for krun with "userns,", or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    );
  }
  return null;
}

function needsRoot({ uid }: FailureFacts): string {
  return uid === 0
    ? 'CAP_SYS_ADMIN is missing here: is this a container itself?'
    : 'run as root, or add a user namespace to linux.namespaces (krun spec --rootless)';
}

/** writeIdMaps and createUserNamespace. */
export const explainIdMaps: Explainer = (report, facts) => {
  const off = userNamespacesOff(report, facts);
  if (off !== null) return off;
  const hints: Readonly<Record<string, string>> = {
    EPERM:
      facts.uid === 0
        ? 'an id of the map does not exist in this user namespace'
        : 'without privileges only your own id can be mapped: use newuidmap with ranges of /etc/subuid',
    EINVAL: 'ranges overlap, or have size 0',
    ENOSPC: 'the limit user.max_user_namespaces is reached',
  };
  const message = reason(
    report,
    report.op === 'writeIdMaps' ? 'the id maps of the user namespace' : 'the user namespace for an idmapped mount',
  );
  return explained(report, 'E_ID_MAP', message, hints[errnoName(report.errno)]);
};

/** runIdMapProgram: newuidmap and newgidmap say why in one line, such as "newuidmap: uid range [0-10) -> [5-15) not allowed". */
export const explainIdMapProgram: Explainer = (report) => {
  const program = quote(report.path);
  const [, words = null] = / output=([\s\S]*)$/.exec(report.detail) ?? [];
  if (words === null) return explained(report, 'E_ID_MAP', reason({ ...report, path: '' }, `${program} cannot be run`));
  const said = words.trim().replaceAll('\n', '; ') || 'it printed nothing';
  const hint = said.includes('not permitted')
    ? `${program} has lost its rights: is it setuid root or has file capabilities, on a file system without nosuid, and no_new_privs is not set?`
    : '/etc/subuid and /etc/subgid say which ids are yours (getsubids shows them); your group must be that of /etc/passwd';
  return explained({ ...report, syscall: '', errno: 0 }, 'E_ID_MAP', `${program} refused the map: ${said}`, hint);
};

/** openNamespace and setns: joining by path. */
export const explainJoin: Explainer = (report, facts) => {
  const type = lookUp(facts.config, `${report.pointer}/type`);
  const name = typeof type === 'string' ? `the ${type} namespace` : 'the namespace';
  const place = report.pointer === '' ? '' : ` of ${report.pointer}`;
  const what = `cannot join ${name}${place}`;
  switch (errnoName(report.errno)) {
    case 'ENOENT':
    case 'ESRCH':
      return explained(
        report,
        'E_NAMESPACE',
        `${what}: ${/^\/proc\/\d+\//.test(report.path) ? 'its owner has exited' : `${quote(report.path)} does not exist`}`,
      );
    case 'EINVAL':
      return explained(report, 'E_NAMESPACE', `${what}: ${quote(report.path)} is not a namespace of this type, or krun is already in it`);
    case 'EEXIST':
      return explained(
        report,
        'E_NAMESPACE',
        `${what}: ${quote(report.path)} is the host's own, which hostname, domainname or linux.sysctl would change`,
        'leave them out, or join another namespace',
      );
    case 'EPERM':
    case 'EACCES':
      return explained(
        report,
        'E_NAMESPACE',
        `${what}: operation not permitted`,
        'CAP_SYS_ADMIN is needed in the user namespace that owns it',
      );
    default:
      return explained(report, 'E_NAMESPACE', reason(report, what));
  }
};
