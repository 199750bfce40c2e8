// Why a cgroup or one of its limits was refused.
import { scopeOfUser } from './delegation-remedy.ts';
import { errnoName } from './errno.ts';
import { type Explainer, explained, type FailureFacts, fieldsOf, lookUp, quote, reason } from './failure.ts';
import type { FailureReport } from './failure-report.ts';
import type { KrunError } from './krun-error.ts';

/** createCgroup: making the directory, enabling controllers in the ancestors, and what is in the way there already. */
export const explainCreateCgroup: Explainer = (report, facts) => {
  const fields = fieldsOf(report.detail);
  const where = `cgroup ${quote(report.path)}`;
  if (fields.get('file') === 'cgroup.subtree_control') return explainEnabling(report, facts, where);
  switch (errnoName(report.errno)) {
    case 'EBUSY':
    case 'ENOTEMPTY':
      return explainOccupied(report, where);
    case 'EOPNOTSUPP':
      return explained(report, 'E_BAD_CGROUP', `${where} is threaded, or lies below a threaded one: it cannot hold a container`);
    case 'ENOENT':
      if (fields.has('controller')) return noController(report, fields.get('controller') ?? '', where);
      return explained(report, 'E_NO_CGROUP2', `${where}: no such file or directory`);
    case 'EAGAIN':
      return explained(
        report,
        'E_BAD_CGROUP',
        `${where} may have no more or no deeper descendants (cgroup.max.descendants, cgroup.max.depth)`,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return explained(report, 'E_BAD_CGROUP', reason({ ...report, path: '' }, `${where} cannot be made or changed`), delegation(facts));
  }
  return explained(report, 'E_BAD_CGROUP', reason({ ...report, path: '' }, `${where} cannot be made`));
};

function explainEnabling(report: FailureReport, facts: FailureFacts, where: string): KrunError {
  const fields = fieldsOf(report.detail);
  const controller = fields.get('controller') ?? '';
  switch (errnoName(report.errno)) {
    case 'EBUSY': {
      const pids = fields.get('pids') ? ` (pid ${fields.get('pids')})` : '';
      const init = `${report.path.replace(/\/$/, '')}/init`;
      return explained(
        report,
        'E_BAD_CGROUP',
        `${where} holds processes${pids}, so the controller "${controller}" cannot be enabled below it`,
        `move them to ${init}; of a service: DelegateSubgroup=init (systemd 254)`,
      );
    }
    case 'EOPNOTSUPP':
      return explained(report, 'E_BAD_CGROUP', `${where} is threaded: the controller "${controller}" cannot be enabled below it`);
    case 'ENOENT':
      return noController(report, controller, where);
  }
  return explained(
    report,
    'E_NO_CONTROLLER',
    reason({ ...report, path: '' }, `the controller "${controller}" cannot be enabled in ${where}`),
    delegation(facts),
  );
}

function noController(report: FailureReport, controller: string, where: string): KrunError {
  const hint = 'cgroup.controllers there lists what is; on a hybrid host the others are with cgroup v1, which krun does not use';
  return explained(report, 'E_NO_CONTROLLER', `a limit needs the controller "${controller}", which ${where} does not have`, hint);
}

// runtime-spec, config-linux.md#cgroup-path: a cgroup that is in use may not be taken.
function explainOccupied(report: FailureReport, where: string): KrunError {
  const fields = fieldsOf(report.detail);
  const state = report.detail.split(/\s/)[0];
  const hint = 'choose another linux.cgroupsPath, or remove what is left over: krun gc';
  if (state === 'locked') return explained(report, 'E_BAD_CGROUP', `${where} is in use: another container is starting in it`, hint);
  if (state === 'frozen') return explained(report, 'E_BAD_CGROUP', `${where} exists and is frozen`, hint);
  if (fields.has('child'))
    return explained(report, 'E_BAD_CGROUP', `${where} exists and has a cgroup ${quote(fields.get('child') ?? '')} of its own`, hint);
  const pids = fields.get('pids') ? ` (pid ${fields.get('pids')})` : '';
  return explained(report, 'E_BAD_CGROUP', `${where} exists and holds processes${pids}`, hint);
}

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
          'at least 4 MiB should be allowed',
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
  const value = fieldsOf(report.detail).get('value');
  const what = value === undefined ? 'a value' : quote(value);
  return explained(report, 'E_BAD_LIMIT', reason({ ...report, path: '' }, `the kernel refused ${what} for ${quote(file)}`));
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
  const pids = fieldsOf(report.detail).get('pids');
  return explained(
    report,
    'E_BAD_CGROUP',
    `the container's cgroup is not empty${pids ? `: pid ${pids}` : ''}`,
    'krun gc ID tries again; a process in state D waits for the kernel',
  );
};

/** freezeCgroup. */
export const explainFreeze: Explainer = (report) =>
  errnoName(report.errno) === 'ETIMEDOUT'
    ? explained(
        report,
        'E_BAD_CGROUP',
        'the container does not freeze, or not thaw, in time',
        'a process in state D waits for the kernel; a cgroup above may be frozen itself (cgroup.freeze)',
      )
    : explained(report, 'E_BAD_CGROUP', reason(report, 'the container cannot be paused or resumed'));

function memoryLimit({ pointer }: FailureReport, { config }: FailureFacts): string {
  const value = lookUp(config, pointer);
  return typeof value === 'number' || typeof value === 'bigint' ? `memory limit ${value}` : 'the memory limit';
}

function delegation({ uid }: FailureFacts): string {
  if (uid === 0) return 'is the cgroup2 mount read-only here, or owned by another container manager?';
  return `without privileges a delegated cgroup is needed: ${scopeOfUser}`;
}
