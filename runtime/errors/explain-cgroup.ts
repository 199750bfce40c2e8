// Why a cgroup or one of its limits was refused.
import { errnoName } from './errno.ts';
import { type Explainer, explained, type FailureFacts, lookUp, quote, reason } from './failure.ts';
import type { FailureReport } from './failure-report.ts';

/** createCgroup: making the directory, or enabling controllers in the ancestors. */
export const explainCreateCgroup: Explainer = (report, facts) => {
  const enabling = report.path.endsWith('cgroup.subtree_control');
  const where = quote(report.path.replace(/\/cgroup\.subtree_control$/, ''));
  switch (errnoName(report.errno)) {
    case 'EBUSY':
      if (!enabling) break;
      return explained(
        report,
        'E_BAD_CGROUP',
        `cgroup ${where} holds processes, so no controller can be enabled below it`,
        `move them to a cgroup of their own, such as ${where.slice(1, -1)}/init`,
      );
    case 'EOPNOTSUPP':
      return explained(
        report,
        'E_BAD_CGROUP',
        `cgroup ${where} is threaded, or lies below a threaded one: the controllers cannot be enabled`,
      );
    case 'ENOENT':
      if (enabling)
        return explained(
          report,
          'E_NO_CONTROLLER',
          `a controller that a limit needs is not available in cgroup ${where}`,
          'cgroup.controllers there lists what is; its parents must pass it on',
        );
      return explained(report, 'E_NO_CGROUP2', `cgroup ${where}: no such file or directory`);
    case 'EAGAIN':
      return explained(
        report,
        'E_BAD_CGROUP',
        `cgroup ${where} may have no more or no deeper descendants (cgroup.max.descendants, cgroup.max.depth)`,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return explained(
        report,
        'E_BAD_CGROUP',
        reason({ ...report, path: '' }, `cgroup ${where} cannot be made or changed`),
        delegation(facts),
      );
  }
  return explained(report, 'E_BAD_CGROUP', reason({ ...report, path: '' }, `cgroup ${where} cannot be made`));
};

/** writeCgroupFile: one limit. */
export const explainCgroupFile: Explainer = (report, facts) => {
  const file = report.path.slice(report.path.lastIndexOf('/') + 1);
  const controller = file.split('.')[0] ?? '';
  switch (errnoName(report.errno)) {
    case 'ENOENT':
      return explained(
        report,
        'E_NO_CONTROLLER',
        `limit needs ${quote(file)}, which this cgroup does not have`,
        `is the controller "${controller}" in cgroup.controllers of the parent, and is the kernel new enough?`,
      );
    case 'EBUSY':
      if (file === 'memory.max')
        return explained(
          report,
          'E_BAD_LIMIT',
          `${memoryLimit(report, facts)} is too small: more is in use, and cannot be freed`,
          'at least 4 MiB is needed',
        );
      break;
    case 'ENODEV':
      return explained(
        report,
        'E_BAD_LIMIT',
        `${quote(file)}: there is no such block device`,
        'partitions have no limits: name the whole disk',
      );
    case 'ENOSPC':
      return explained(report, 'E_BAD_LIMIT', `${quote(file)}: no CPU or memory node would be left`);
    case 'EACCES':
    case 'EPERM':
      return explained(report, 'E_BAD_LIMIT', reason({ ...report, path: '' }, `limit ${quote(file)}`), delegation(facts));
  }
  return explained(report, 'E_BAD_LIMIT', reason({ ...report, path: '' }, `the kernel refused the value for ${quote(file)}`));
};

/** attachDeviceProgram. */
export const explainDeviceProgram: Explainer = (report, facts) =>
  explained(
    report,
    'E_BAD_LIMIT',
    reason(report, 'the device rules cannot be put into force'),
    errnoName(report.errno) === 'EPERM' && facts.uid !== 0
      ? 'loading eBPF programs needs CAP_BPF or root; leave linux.resources.devices out'
      : undefined,
  );

/** killCgroup and removeCgroup: processes that stay. */
export const explainRemoveCgroup: Explainer = (report) => {
  const busy = ['EBUSY', 'ETIMEDOUT', 'ENOTEMPTY'].includes(errnoName(report.errno));
  if (!busy) return explained(report, 'E_BAD_CGROUP', reason(report, 'the cgroup of the container cannot be removed'));
  const who = report.detail === '' ? '' : `: ${report.detail}`;
  return explained(
    report,
    'E_BAD_CGROUP',
    `cgroup ${quote(report.path)} is not empty${who}`,
    'krun gc ID tries again; a process in state D waits for the kernel',
  );
};

function memoryLimit({ pointer }: FailureReport, { config }: FailureFacts): string {
  const value = lookUp(config, pointer);
  return typeof value === 'number' || typeof value === 'bigint' ? `memory limit ${value}` : 'the memory limit';
}

function delegation({ uid }: FailureFacts): string {
  if (uid === 0) return 'is the cgroup2 mount read-only here, or owned by another container manager?';
  return 'without privileges a delegated cgroup is needed: systemd-run --user --scope -p Delegate=yes krun …, or loginctl enable-linger';
}
