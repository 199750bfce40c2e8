// Sequences of commands, the same for every runtime. `until STATE` waits, `file PATH` shows a file; ID, BUNDLE and DIR are replaced,
// tabs stand for blanks within a word.
import { type ConfigChange, withProcess } from '../../support/change-config.ts';

export interface Sequence {
  readonly name: string;
  readonly steps: readonly string[];
  readonly change: ConfigChange;
  /** Who has no answer to it. */
  readonly without?: 'crun' | undefined;
}

const sleeping = withProcess({ args: ['/bin/sleep', '1000'] });
const program = (...args: string[]): ConfigChange => withProcess({ args });

const create = 'create --bundle BUNDLE ID';
const running = [create, 'start ID'];
const stopped = [...running, 'kill ID KILL', 'until stopped'];

interface Row {
  readonly steps: readonly string[];
  /** Default: a process that sleeps. */
  readonly change?: ConfigChange;
  readonly without?: 'crun';
}

const table: Readonly<Record<string, Row>> = {
  'the life of a container': {
    steps: [create, 'state ID', 'start ID', 'state ID', 'kill ID KILL', 'until stopped', 'state ID', 'delete ID', 'state ID'],
  },
  'all that a container which does not exist answers': {
    steps: [
      'state ID',
      'start ID',
      'kill ID KILL',
      'exec ID true',
      'pause ID',
      'resume ID',
      'delete ID',
      'delete --force ID',
      'ps -f json ID',
    ],
  },
  'all that a created container answers': {
    steps: [create, create, 'exec ID true', 'ps -f json ID', 'list -q', 'resume ID', 'kill ID 0', 'delete ID', create, 'delete --force ID'],
  },
  // crun's init does not hear signals while it waits.
  'a created container is killed': {
    without: 'crun',
    steps: [create, 'kill ID TERM', 'until stopped', 'start ID', 'delete ID', create, 'kill ID', 'until stopped'],
  },
  'all that a running container answers': {
    steps: [
      ...running,
      create,
      'start ID',
      'exec ID true',
      'ps -f json ID',
      'ps ID',
      'list -q',
      'resume ID',
      'delete ID',
      'kill ID 0',
      'delete --force ID',
    ],
  },
  'all that a stopped container answers': {
    steps: [
      ...stopped,
      create,
      'start ID',
      'exec ID true',
      'pause ID',
      'resume ID',
      'kill ID KILL',
      'kill ID 0',
      'kill --all ID KILL',
      'ps -f json ID',
      'delete ID',
      create,
    ],
  },
  'a stopped container is deleted by force, and once more': { steps: [...stopped, 'delete --force ID', 'delete --force ID', create] },
  'all that a paused container answers': {
    steps: [
      ...running,
      'pause ID',
      'pause ID',
      'exec ID true',
      'start ID',
      'delete ID',
      'ps -f json ID',
      'resume ID',
      'resume ID',
      'exec ID true',
    ],
  },
  'a paused container is killed': { steps: [...running, 'pause ID', 'kill ID KILL', 'until stopped', 'delete ID'] },
  'a paused container is deleted by force': { steps: [...running, 'pause ID', 'delete --force ID', create] },
  'a created container is paused': { steps: [create, 'pause ID', 'resume ID', 'start ID', 'exec ID true'] },
  'a process that ends by itself': {
    change: program('/bin/true'),
    steps: [...running, 'until stopped', 'delete ID', 'run --bundle BUNDLE ID', 'run --bundle BUNDLE ID'],
  },
  'run tells the status': {
    change: program('/bin/sh', '-c', 'exit 7'),
    steps: ['run --bundle BUNDLE ID', 'run -d --bundle BUNDLE ID', 'until stopped', 'delete ID'],
  },
  'run with an id in use': { steps: ['run -d --bundle BUNDLE ID', 'run --bundle BUNDLE ID', 'run -d --bundle BUNDLE ID'] },
  'the status of exec': {
    steps: [
      'run -d --bundle BUNDLE ID',
      'exec ID sh -c exit\t7',
      'exec ID sh -c kill\t-KILL\t$$',
      'exec ID nosuch',
      'exec ID /etc',
      'exec ID /etc/hosts',
      'exec ID echo text',
      'exec --cwd /nowhere ID true',
      'exec ID',
    ],
  },
  'pid files': {
    steps: [
      'create --pid-file DIR/pid --bundle BUNDLE ID',
      'file DIR/pid',
      'start ID',
      'exec -d --pid-file DIR/exec ID sleep 1000',
      'file DIR/exec',
      'ps -f json ID',
    ],
  },
  'a program that is not there': { change: program('nosuch'), steps: [create, create, 'run --bundle BUNDLE ID', 'list -q'] },
  'a program that cannot be executed': { change: program('/etc/hosts'), steps: [create, 'run --bundle BUNDLE ID'] },
  'a terminal without a socket': {
    change: withProcess({ terminal: true, args: ['/bin/sh'] }),
    steps: [create, 'run -d --bundle BUNDLE ID'],
  },
  'how signals are written': {
    change: program('/bin/sh', '-c', 'trap "" TERM USR1 HUP; while :; do sleep 0.1; done'),
    steps: [
      ...running,
      'kill ID',
      'kill ID TERM',
      'kill ID SIGTERM',
      'kill ID term',
      'kill ID 15',
      'kill ID nosuch',
      'kill ID 99',
      'kill ID SIGRTMIN+1',
      'kill ID -1',
    ],
  },
  'ids that are none': {
    steps: [
      'create --bundle BUNDLE a/b',
      'create --bundle BUNDLE ..',
      "create --bundle BUNDLE ''",
      'create --bundle BUNDLE a\tb',
      'create --bundle BUNDLE',
      'state',
      'state ..',
    ],
  },
  'bundles that are none': { steps: ['create --bundle DIR ID', 'create --bundle DIR/nowhere ID', 'run --bundle DIR ID'] },
  'two containers': {
    steps: [...running, 'create --bundle BUNDLE ID-2', 'list -q', 'list -f json', 'list', 'delete --force ID', 'list -q', 'delete ID-2'],
  },
  'no containers': { steps: [create, 'delete ID', 'list -q', 'list -f json', 'list'] },
  statistics: { without: 'crun', steps: [...running, 'kill ID KILL', 'until stopped', 'events --stats ID'] },
  'calls that are none': { steps: ['nosuch', 'state --nosuch ID', 'state ID ID-2', 'kill', 'exec', 'start'] },
  'a log': { steps: ['--log DIR/log --log-format json start ID', '--log DIR/other start ID'] },
};

export const sequences: readonly Sequence[] = Object.entries(table).map(([name, row]) => ({ change: sleeping, ...row, name }));
