// Why the kernel refused what a layer asked for.
import { errnoName, errnoText } from '../../errors/errno.ts';
import { KrunError } from '../../errors/krun-error.ts';
import { readable } from './layer-path.ts';
import type { TreeReport } from './tree-program.ts';

export function explainTreeReport(report: TreeReport): KrunError {
  const { syscall, detail } = report;
  const errno = errnoName(report.errno);
  const path = readable(report.path);
  const details = { syscall, errno, path };
  if (detail === 'parent' && ['ENOTDIR', 'ELOOP'].includes(errno)) return throughNoDirectory(path, details);
  if (errno === 'EEXIST' && syscall === 'mkdirat') return throughNoDirectory(path, details);
  if (detail === 'target' && ['ENOTDIR', 'ELOOP', 'EXDEV'].includes(errno))
    return new KrunError('E_LAYER_UNSAFE', `the target of the hard link ${path} lies behind something that is no directory`, {
      ...details,
      hint: distrust,
    });
  if (detail === 'target' && errno === 'ENOENT')
    return new KrunError('E_LAYER', `the hard link ${path} has a target that is not in the layer before it`, {
      ...details,
      hint: distrust,
    });
  if (syscall === 'linkat' && errno === 'EPERM')
    return new KrunError('E_LAYER', `the hard link ${path} has a target that cannot be linked, such as a directory`, {
      ...details,
      hint: distrust,
    });
  const about = detail === '' ? path : `${path} (${detail})`;
  return new KrunError('E_LAYER_WRITE', `${about}: ${syscall}: ${errnoText(report.errno) || errno}`, hintFor(errno, details));
}

/** One line for what was refused and could be. */
export function warningOf({ path, detail, errno }: TreeReport): string {
  return `${readable(path)}: the extended attribute ${detail} was left out: ${errnoText(errno)}`;
}

function throughNoDirectory(path: string, details: object): KrunError {
  return new KrunError(
    'E_LAYER_UNSAFE',
    `the archive has the entry ${path} below what is no directory but a file or link of the same layer`,
    {
      ...details,
      hint: distrust,
    },
  );
}

function hintFor(errno: string, details: object): object {
  const hint = hints[errno];
  return hint === undefined ? details : { ...details, hint };
}

const distrust = 'do not use this image unless you know why its layer is like that; whoever made it must make it anew';

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on the file system, or keep images on another',
  EDQUOT: 'make room: a quota is used up',
  EPERM: 'unpack as root, or with mapped ids',
  EINVAL: 'an id may not be mapped in this user namespace',
  ENOTSUP: 'keep images on a file system with extended attributes, such as ext4, xfs or btrfs',
  EOPNOTSUPP: 'keep images on a file system with extended attributes, such as ext4, xfs or btrfs',
  EROFS: 'keep images on a file system that can be written',
};
