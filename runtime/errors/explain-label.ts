// Why a label of AppArmor or SELinux was not given.
import { errnoName } from './errno.ts';
import { type Explainer, explained, fieldsOf, lookUp, quote, reason } from './failure.ts';

/** writeProcessLabel: process.apparmorProfile, process.selinuxLabel. */
export const explainLabel: Explainer = (report, facts) => {
  const value = lookUp(facts.config, report.pointer);
  const isAppArmor = report.pointer.endsWith('apparmorProfile');
  const label = `${isAppArmor ? 'AppArmor profile' : 'SELinux label'}${typeof value === 'string' ? ` ${quote(value)}` : ''}`;
  const errno = errnoName(report.errno);
  if (errno === 'EXDEV')
    return explained(report, 'E_PROC_UNSAFE', `${label}: ${quote(report.path)} is not a file of procfs, and was not written`);
  if (report.syscall === 'openat2' && errno === 'ENOENT')
    return explained(report, 'E_NO_LSM', `${label}: the kernel has no security module that takes it`, 'leave it out, or enable the module');
  if (report.syscall === 'read') {
    const found = fieldsOf(report.detail).get('label')?.trim() ?? '';
    return explained(report, 'E_PROCESS', `${label} was not taken over: the kernel has ${found === '' ? 'none' : quote(found)} instead`);
  }
  const hint = isAppArmor
    ? 'is the profile loaded? aa-status lists those that are'
    : 'the loaded policy must know it, and allow the change';
  return explained(report, 'E_PROCESS', reason({ ...report, path: '' }, `${label} was refused`), hint);
};
