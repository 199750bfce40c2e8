// Why a mount, or the root file system, was refused.
import { errnoName } from './errno.ts';
import { type Explainer, explained, type FailureFacts, fieldsOf, lookUp, quote, reason } from './failure.ts';
import type { FailureReport } from './failure-report.ts';

/** openTree: the source of a bind mount on the host. */
export const explainOpenTree: Explainer = (report, facts) => {
  const source = quote(report.path || textAt(facts, report, 'source'));
  switch (errnoName(report.errno)) {
    case 'ENOENT':
      return explained(report, 'E_BAD_MOUNT', `mount source ${source} does not exist`, 'make it first: a missing source is not created');
    case 'ENOTDIR':
      return explained(report, 'E_BAD_MOUNT', `mount source ${source}: a part of the path is not a directory`);
    case 'EACCES':
      return explained(
        report,
        'E_BAD_MOUNT',
        `mount source ${source}: permission denied`,
        'every directory on the way must be searchable for this user',
      );
    case 'EPERM':
      return explained(report, 'E_BAD_MOUNT', `mount source ${source}: operation not permitted`, permissionHint(report, facts));
    case 'EINVAL':
      if (report.syscall !== 'mount_setattr') break;
      return explained(
        report,
        'E_BAD_MOUNT',
        `mount source ${source}: its file system does not support idmapped mounts, or an option that was asked for`,
      );
  }
  return explained(report, 'E_BAD_MOUNT', reason({ ...report, path: '' }, `mount source ${source}`));
};

/** mount, moveMount and remount: the destination in the root file system, or the file system itself. */
export const explainMount: Explainer = (report, facts) => {
  const destination = quote(textAt(facts, report, 'destination') || report.path);
  const errno = errnoName(report.errno);
  const fields = fieldsOf(report.detail);
  const type = fields.get('type') ?? textAt(facts, report, 'type');
  const clash = kindsClash(report, facts);
  if (clash !== null) return clash;
  if (errno === 'ELOOP' || errno === 'EXDEV') return explainUnsafePath(report, facts);
  if (fields.get('destination') === 'root')
    return explained(report, 'E_BAD_MOUNT', `mount destination ${destination} is the root itself`, 'destinations must be below /');
  if (errno === 'ENODEV')
    return explained(
      report,
      'E_BAD_MOUNT',
      `this kernel has no file system type ${quote(type)}`,
      'cat /proc/filesystems lists what there is; is a module missing?',
    );
  if (errno === 'EPERM')
    return explained(report, 'E_BAD_MOUNT', reason({ ...report, path: '' }, `mount on ${destination}`), permissionHint(report, facts));
  if (errno === 'EROFS')
    return explained(
      report,
      'E_BAD_MOUNT',
      `mount destination ${destination} does not exist, and cannot be made: read-only file system`,
      'make it in the root file system beforehand',
    );
  if (errno === 'ENOENT' && /^open|^mk/.test(report.syscall))
    return explained(report, 'E_BAD_MOUNT', `mount destination ${destination} does not exist and cannot be made`);
  if (errno === 'ENOENT') return explained(report, 'E_BAD_MOUNT', `mount source ${quote(textAt(facts, report, 'source'))} does not exist`);
  return explained(
    report,
    'E_BAD_MOUNT',
    reason({ ...report, path: '' }, `mount on ${destination}`),
    errno === 'EINVAL' ? 'an option is wrong for this file system, or its value is' : undefined,
  );
};

/** A path below the root file system that would leave it. */
export const explainUnsafePath: Explainer = (report) =>
  explained(
    report,
    'E_UNSAFE_PATH',
    `${quote(report.path)} in the root file system is a symbolic link where none may be, or leads outside`,
  );

function kindsClash(report: FailureReport, facts: FailureFacts): ReturnType<Explainer> | null {
  if (report.op !== 'moveMount' || !['ENOTDIR', 'EISDIR', 'EINVAL'].includes(errnoName(report.errno))) return null;
  const fields = fieldsOf(report.detail);
  const source = fields.get('source') ?? facts.sourceKind;
  if (source !== 'directory' && source !== 'file') return null;
  const destination = fields.get('destination') ?? (source === 'directory' ? 'file' : 'directory');
  if (source === destination) return null;
  return explained(
    report,
    'E_BAD_MOUNT',
    `source is a ${source}, destination is a ${destination}`,
    'both must be directories, or both files',
  );
}

function permissionHint(report: FailureReport, facts: FailureFacts): string {
  const type = textAt(facts, report, 'type');
  if (type === 'sysfs') return 'sysfs needs a network namespace of its own: add one, or bind /sys';
  if (type === 'proc') return 'procfs needs a pid namespace of its own, and in a user namespace a /proc outside that nothing covers';
  if (type === 'cgroup' || type === 'cgroup2') return 'cgroup2 needs a cgroup namespace of its own';
  return facts.uid === 0
    ? 'CAP_SYS_ADMIN is missing here, or a security module forbids it'
    : 'without privileges this needs a user namespace: krun spec --rootless makes such a config';
}

/** openRoot and openOverlayRoot. */
export const explainRoot: Explainer = (report, facts) => {
  const path = quote(report.path || String(lookUp(facts.config, '/root/path') ?? ''));
  const pointed = report.pointer === '' ? { ...report, pointer: '/root/path' } : report;
  switch (errnoName(report.errno)) {
    case 'ENOENT':
      return explained(pointed, 'E_ROOTFS', `root file system ${path} does not exist`, 'root.path is relative to the bundle');
    case 'ENOTDIR':
      return explained(pointed, 'E_ROOTFS', `root file system ${path} is not a directory`);
    case 'EINVAL':
      if (report.op !== 'openOverlayRoot') break;
      return explained(
        pointed,
        'E_ROOTFS',
        reason(report, 'the layers of the root file system'),
        'upper and work must be on one writable file system that is no overlay itself',
      );
  }
  return explained(pointed, 'E_ROOTFS', reason(report, 'the root file system cannot be used'), rootHint(report, facts));
};

function rootHint(report: FailureReport, facts: FailureFacts): string | undefined {
  switch (errnoName(report.errno)) {
    case 'EPERM':
      return permissionHint(report, facts);
    case 'EACCES': {
      const mappings = lookUp(facts.config, '/linux/uidMappings');
      if (!Array.isArray(mappings) || mappings.length === 0) return 'every directory on the way must be searchable for this user';
      const [{ hostID }] = [...mappings].sort((a, b) => a.containerID - b.containerID);
      return `every directory on the way must be searchable for the container's root, the host's uid ${hostID}: chmod o+x them, or map your own id`;
    }
  }
  return undefined;
}

/** createDevice. */
export const explainDevice: Explainer = (report, facts) => {
  const path = quote(textAt(facts, report, 'path') || report.path);
  switch (errnoName(report.errno)) {
    case 'EEXIST':
      return explained(
        report,
        'E_BAD_DEV',
        `${path} exists and is not the device that it should be`,
        'remove it from the root file system',
      );
    case 'EPERM':
      return explained(
        report,
        'E_BAD_DEV',
        `device ${path}: operation not permitted`,
        "device nodes need CAP_MKNOD outside of user namespaces: bind the host's node instead",
      );
    case 'ELOOP':
    case 'EXDEV':
      return explainUnsafePath(report, facts);
    default:
      return explained(report, 'E_BAD_DEV', reason({ ...report, path: '' }, `device ${path}`));
  }
};

/** openDevice: a host's node that is bound, because a user namespace may not make nodes. */
export const explainDeviceSource: Explainer = (report) => {
  const path = quote(report.path);
  if (errnoName(report.errno) === 'ENOENT')
    return explained(
      report,
      'E_BAD_DEV',
      `device ${path} does not exist on the host`,
      'in a user namespace devices cannot be made: the node of the host is bound, so it must be at the same path there',
    );
  if (errnoName(report.errno) === 'ENODEV')
    return explained(report, 'E_BAD_DEV', `${path} of the host is not the device that it should be (${report.detail})`);
  return explained(report, 'E_BAD_DEV', reason({ ...report, path: '' }, `device ${path} of the host`));
};

function textAt({ config }: FailureFacts, { pointer }: FailureReport, property: string): string {
  const value = lookUp(config, `${pointer}/${property}`);
  return typeof value === 'string' ? value : '';
}
