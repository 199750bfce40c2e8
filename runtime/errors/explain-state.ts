// Why the state of a container could not be used. Engines match on these words: "does not exist", "not running", "no such process".
import { errnoName } from './errno.ts';
import { type Explainer, explained, reason } from './failure.ts';

/** createStateDirectory. */
export const explainCreateState: Explainer = (report) => {
  if (errnoName(report.errno) === 'EEXIST') {
    return explained(
      report,
      'E_ID_EXISTS',
      'container with given ID already exists',
      'choose another id; if it is left over, krun gc ID removes it',
    );
  }
  if (errnoName(report.errno) === 'EAGAIN')
    return explained(report, 'E_ID_EXISTS', 'container with given ID already exists: another krun is at work on it');
  return explained(report, 'E_STATE', reason(report, 'the state directory cannot be made'), accessHint(report.errno));
};

/** openStateDirectory. */
export const explainOpenState: Explainer = (report) => {
  switch (errnoName(report.errno)) {
    case 'ENOENT':
      return explained(report, 'E_NO_CONTAINER', 'container does not exist', 'krun list shows those below --root');
    case 'EAGAIN':
      return explained(report, 'E_RUNNING', 'another krun is at work on this container');
    case 'ELOOP':
    case 'ENOTDIR':
      return explained(report, 'E_STATE', 'the state directory is not a directory: something else has that name');
  }
  return explained(report, 'E_STATE', reason(report, 'the state directory cannot be opened'), accessHint(report.errno));
};

/** passGate: another `start` was faster, or init has ended. */
export const explainGate: Explainer = (report) => {
  switch (errnoName(report.errno)) {
    case 'ENOENT':
      return explained(report, 'E_RUNNING', 'cannot start an already running container');
    case 'ENXIO':
      return explained(report, 'E_NOT_RUNNING', 'cannot start a container that has stopped');
  }
  return explained(report, 'E_STATE', reason(report, 'the gate of the container cannot be passed'));
};

/** openProcess and signalProcess. */
export const explainProcess: Explainer = (report) => {
  if (errnoName(report.errno) === 'ESRCH') return explained(report, 'E_NOT_RUNNING', 'container not running: no such process');
  return explained(report, 'E_SYSTEM', reason(report, "the container's first process cannot be reached"));
};

/** waitForProcess. */
export const explainStillRunning: Explainer = (report) => {
  if (errnoName(report.errno) !== 'ETIMEDOUT') return explained(report, 'E_SYSTEM', reason(report, 'waiting for the container'));
  return explained(
    report,
    'E_RUNNING',
    'the container is still running: its first process has not ended in time',
    'a process in state D waits for the kernel',
  );
};

/** openServiceDirectory. */
export const explainServiceDirectory: Explainer = (report) => {
  if (errnoName(report.errno) === 'EAGAIN')
    return explained(report, 'E_SUPERVISOR', 'a supervisor is running already', 'krun supervisor stop ends it');
  return explained(report, 'E_SUPERVISOR', reason(report, "the directory of the supervisor's socket cannot be used"));
};

function accessHint(errno: number): string | undefined {
  return ['EACCES', 'EPERM', 'EROFS'].includes(errnoName(errno)) ? 'give --root DIR for a directory that this user may write' : undefined;
}
