import { labelOption } from '../config/annotations.ts';
import type { Config } from '../config/config.ts';
import type { Op } from './ops.ts';

/**
 * linux.mountLabel: the SELinux context of all files of a new mount. The kernel's own views (proc, sysfs, cgroup2, mqueue and their like)
 * have labels of their own; a bind mount shows those of its source.
 */
export function contextOption(type: string, config: Pick<Config, 'annotations' | 'linux'>, data: readonly string[]): readonly string[] {
  const label = config.linux?.mountLabel;
  if (label === undefined || unlabelled.has(type) || data.some((option) => /^(fs|def|root)?context=/.test(option))) return [];
  return [`${labelOption(config)}=${label}`];
}

const unlabelled: ReadonlySet<string> = new Set([
  'binfmt_misc',
  'cgroup',
  'cgroup2',
  'configfs',
  'efivarfs',
  'fusectl',
  'mqueue',
  'nsfs',
  'proc',
  'resctrl',
  'rpc_pipefs',
  'securityfs',
  'selinuxfs',
  'smackfs',
  'sysfs',
]);

/** The files of mqueue are labelled one by one, after its root: that takes context= for an unknown option. */
export function labelQueues(type: string, label: string | undefined, pointer: string, mount: string | null): readonly Op[] {
  return type === 'mqueue' && label !== undefined ? [{ op: 'setMountLabel', pointer, mount, label }] : [];
}
