// What systemd, or the way to it, has against a request.
import { errnoName } from './errno.ts';
import { type Explainer, explained, fieldsOf, quote, reason } from './failure.ts';
import type { FailureReport } from './failure-report.ts';
import type { KrunError } from './krun-error.ts';

/** callBus. */
export const explainBus: Explainer = (report, { uid }) => {
  const asked = `systemd: ${report.syscall} of ${report.path}`;
  switch (report.syscall === 'connect' ? 'connect' : errnoName(report.errno)) {
    case 'connect':
      return explainUnreachable(report, uid);
    case 'EREMOTEIO':
      return explainRefusal(report, asked);
    case 'ECANCELED':
      return explained(
        report,
        'E_SYSTEMD',
        `${asked} ended with "${fieldsOf(report.detail).get('result') ?? ''}"`,
        `journalctl _PID=1 or, without privileges, journalctl --user: what systemd says of ${report.path}`,
      );
    case 'ETIMEDOUT':
      return explained(report, 'E_SYSTEMD', `${asked}: no answer in 30 seconds`, 'systemctl list-jobs: what is it waiting for?');
  }
  return explained(report, 'E_NO_SYSTEMD', reason({ ...report, path: '' }, asked));
};

/** adoptCgroup. */
export const explainAdopted: Explainer = (report) => {
  if (errnoName(report.errno) !== 'EXDEV')
    return explained(report, 'E_BAD_CGROUP', reason(report, 'the cgroup of the scope cannot be opened'));
  const found = fieldsOf(report.detail).get('found');
  return explained(
    report,
    'E_SYSTEMD',
    `systemd has not put the process into ${quote(report.path)}${found ? `: it is in ${quote(found)}` : ''}`,
    'is krun called in a container, where pids and cgroups are not those of that systemd?',
  );
};

function explainUnreachable(report: FailureReport, uid: number): KrunError {
  const why = reason(report, uid === 0 ? "the bus of the system's systemd" : "the bus of this user's systemd");
  const hint =
    uid === 0
      ? 'systemctl start dbus; or leave out --systemd-cgroup'
      : 'install dbus-user-session and log in through a session (not by su or sudo), or as root: loginctl enable-linger USER; or leave out --systemd-cgroup';
  return explained(report, 'E_NO_SYSTEMD', why, hint);
}

function explainRefusal(report: FailureReport, asked: string): KrunError {
  const [, name = '', said = ''] = /^error=(\S*) said=([\s\S]*)$/.exec(report.detail) ?? [];
  const words = said.trim().replaceAll('\n', '; ').replace(/\.$/, '');
  if (name.endsWith('.UnitExists'))
    return explained(
      report,
      'E_BAD_CGROUP',
      `${report.path} exists: ${words}`,
      'choose another id or linux.cgroupsPath, or remove what is left over: krun gc',
    );
  return explained(
    report,
    'E_SYSTEMD',
    `${asked} was refused: ${words === '' ? name : words}${words === '' ? '' : ` (${name})`}`,
    hints[name],
  );
}

const hints: Readonly<Record<string, string>> = {
  'org.freedesktop.DBus.Error.ServiceUnknown': 'is systemd running, with its bus? (systemctl --user status for a user)',
  'org.freedesktop.DBus.Error.NameHasNoOwner': 'is systemd running, with its bus? (systemctl --user status for a user)',
  'org.freedesktop.DBus.Error.AccessDenied': 'only root may ask the system for a scope',
};
