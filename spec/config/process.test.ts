import test from 'ava';
import { accepts, refuses, userNamespace, warns } from '../support/config-cases.ts';
import { hasAll } from '../support/config-changes.ts';

refuses('a relative cwd', { '/process/cwd': 'app' }, 'E_CONFIG /process/cwd');
refuses('a process without cwd', { '/process/cwd': undefined }, 'E_CONFIG /process/cwd');
refuses('a cwd of null', { '/process/cwd': null }, 'E_CONFIG /process/cwd');
refuses('a process without args', { '/process/args': undefined }, 'E_CONFIG /process/args');
refuses('an empty args', { '/process/args': [] }, 'E_CONFIG /process/args');
refuses('an empty program name', { '/process/args': ['', 'x'] }, 'E_CONFIG /process/args/0');
accepts('an empty argument', { '/process/args': ['sh', ''] });
refuses('an argument with NUL', { '/process/args': ['sh', 'a\0b'] }, 'E_CONFIG /process/args/1');
refuses('an argument of null', { '/process/args': ['sh', null] }, 'E_CONFIG /process/args/1');
refuses('an environment entry without =', { '/process/env': ['A=1', 'B'] }, 'E_CONFIG /process/env/1');
refuses('an environment entry without a name', { '/process/env': ['=1'] }, 'E_CONFIG /process/env/0');
refuses('an environment entry with NUL', { '/process/env': ['A=\0'] }, 'E_CONFIG /process/env/0');
accepts('an environment entry with an empty value', { '/process/env': ['A=', 'B==='] });
accepts('a process without a user', { '/process/user': undefined });
refuses('a user without gid', { '/process/user': { uid: 1 } }, 'E_CONFIG /process/user/gid');
refuses('a negative uid', { '/process/user/uid': -1 }, 'E_CONFIG /process/user/uid');
refuses('a uid beyond 32 bits', { '/process/user/uid': 2 ** 32 }, 'E_CONFIG /process/user/uid');
refuses('the uid that setresuid takes for none', { '/process/user/uid': 2 ** 32 - 1 }, 'E_CONFIG /process/user/uid');
refuses('the group that is none', { '/process/user/additionalGids': [2 ** 32 - 1] }, 'E_CONFIG /process/user/additionalGids/0');
refuses('a uid that is a string', { '/process/user/uid': '0' }, 'E_CONFIG /process/user/uid');
refuses('a umask with file type bits', { '/process/user/umask': 0o10022 }, 'E_CONFIG /process/user/umask');
accepts('a umask and groups', { '/process/user/umask': 0o22, '/process/user/additionalGids': [5, 6] });
accepts('a user name, which is for Windows', { '/process/user/username': 'ContainerUser', '/process/commandLine': 'cmd' });
refuses('a uid that the new user namespace does not map', { ...userNamespace, '/process/user/uid': 65536 }, 'E_CONFIG /process/user/uid');
refuses(
  'a group that the new user namespace does not map',
  { ...userNamespace, '/process/user/gid': 70000, '/process/user/additionalGids': [0, 70000] },
  'E_CONFIG /process/user/gid',
  'E_CONFIG /process/user/additionalGids/1',
);

warns('an unknown capability', { '/process/capabilities/bounding': ['CAP_SYS_ADMINN'] }, 'E_CONFIG /process/capabilities/bounding/0');
warns(
  'an ambient capability outside of permitted and inheritable',
  { '/process/capabilities': { permitted: ['CAP_KILL'], ambient: ['CAP_KILL', 'CAP_CHOWN'] } },
  'E_CONFIG /process/capabilities/ambient/1',
  'E_CONFIG /process/capabilities/ambient/0',
  'E_CONFIG /process/capabilities/ambient/1',
);
refuses(
  'an effective capability outside of permitted',
  { '/process/capabilities/permitted': ['CAP_KILL'] },
  'E_CONFIG /process/capabilities/effective/0',
  'E_CONFIG /process/capabilities/effective/2',
);
warns(
  'an unknown effective capability outside of permitted',
  { '/process/capabilities': { effective: ['CAP_X'] } },
  'E_CONFIG /process/capabilities/effective/0',
);

refuses(
  'a resource limit of unknown type',
  { '/process/rlimits': [{ type: 'RLIMIT_NOFILES', soft: 1, hard: 1 }] },
  'E_CONFIG /process/rlimits/0/type',
);
refuses(
  'a resource limit that stands twice',
  { '/process/rlimits': [limit('RLIMIT_CORE'), limit('RLIMIT_NOFILE'), limit('RLIMIT_CORE')] },
  'E_CONFIG /process/rlimits/2/type',
);
refuses(
  'a soft limit above the hard one',
  { '/process/rlimits': [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }] },
  'E_CONFIG /process/rlimits/0/soft',
);
refuses(
  'a negative limit',
  { '/process/rlimits': [{ type: 'RLIMIT_CORE', soft: -1, hard: -1 }] },
  'E_CONFIG /process/rlimits/0/soft',
  'E_CONFIG /process/rlimits/0/hard',
);
refuses('a limit without hard', { '/process/rlimits': [{ type: 'RLIMIT_CORE', soft: 1 }] }, 'E_CONFIG /process/rlimits/0/hard');

refuses('an oom_score_adj beyond 1000', { '/process/oomScoreAdj': 1001 }, 'E_CONFIG /process/oomScoreAdj');
accepts('an oom_score_adj of -1000', { '/process/oomScoreAdj': -1000 });

test('problems of the process name the place that they are at', hasAll, { '/process/args': ['sh', 1], '/process/cwd': 'x' }, [
  'args[1] must be a string, not 1',
  'cwd must be an absolute path, not "x"',
]);

for (const policy of ['SCHED_OTHER', 'SCHED_BATCH', 'SCHED_IDLE']) {
  accepts(`the scheduler ${policy} with a nice value`, { '/process/scheduler': { policy, nice: -20 } });
  refuses(`a priority with ${policy}`, { '/process/scheduler': { policy, priority: 1 } }, 'E_CONFIG /process/scheduler/priority');
}
for (const policy of ['SCHED_FIFO', 'SCHED_RR']) {
  accepts(`the scheduler ${policy} with a priority`, { '/process/scheduler': { policy, priority: 99 } });
  refuses(`${policy} without a priority`, { '/process/scheduler': { policy } }, 'E_CONFIG /process/scheduler/priority');
  refuses(`a priority of 100 with ${policy}`, { '/process/scheduler': { policy, priority: 100 } }, 'E_CONFIG /process/scheduler/priority');
}
accepts('SCHED_DEADLINE with its three times', {
  '/process/scheduler': {
    policy: 'SCHED_DEADLINE',
    runtime: 10_000,
    deadline: 30_000,
    period: 30_000,
    flags: ['SCHED_FLAG_RESET_ON_FORK'],
  },
});
refuses(
  'SCHED_DEADLINE without times',
  { '/process/scheduler': { policy: 'SCHED_DEADLINE' } },
  'E_CONFIG /process/scheduler/runtime',
  'E_CONFIG /process/scheduler/deadline',
);
refuses(
  'a deadline beyond the period',
  { '/process/scheduler': { policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 4000, period: 3000 } },
  'E_CONFIG /process/scheduler/period',
);
refuses(
  'a deadline of 2^63 ns',
  { '/process/scheduler': { policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 2n ** 63n } },
  'E_CONFIG /process/scheduler/deadline',
);
refuses(
  'a period of 2^63 ns',
  { '/process/scheduler': { policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 2000, period: 2n ** 63n } },
  'E_CONFIG /process/scheduler/period',
);
refuses(
  'deadlines with another policy',
  { '/process/scheduler': { policy: 'SCHED_OTHER', runtime: 1, deadline: 1, period: 1 } },
  'E_CONFIG /process/scheduler/runtime',
  'E_CONFIG /process/scheduler/deadline',
  'E_CONFIG /process/scheduler/period',
);
refuses('SCHED_ISO, which no kernel has', { '/process/scheduler': { policy: 'SCHED_ISO' } }, 'E_CONFIG /process/scheduler/policy');
refuses('an unknown policy', { '/process/scheduler': { policy: 'SCHED_FAST' } }, 'E_CONFIG /process/scheduler/policy');
refuses('a scheduler without a policy', { '/process/scheduler': {} }, 'E_CONFIG /process/scheduler/policy');
refuses('a nice value of 20', { '/process/scheduler': { policy: 'SCHED_OTHER', nice: 20 } }, 'E_CONFIG /process/scheduler/nice');
refuses(
  'an unknown scheduler flag',
  { '/process/scheduler': { policy: 'SCHED_OTHER', flags: ['RESET'] } },
  'E_CONFIG /process/scheduler/flags/0',
);

accepts('an I/O priority', { '/process/ioPriority': { class: 'IOPRIO_CLASS_BE', priority: 7 } });
refuses(
  'an I/O priority of 8',
  { '/process/ioPriority': { class: 'IOPRIO_CLASS_BE', priority: 8 } },
  'E_CONFIG /process/ioPriority/priority',
);
refuses('an unknown I/O class', { '/process/ioPriority': { class: 'BE', priority: 1 } }, 'E_CONFIG /process/ioPriority/class');
refuses('an I/O priority without a class', { '/process/ioPriority': { priority: 1 } }, 'E_CONFIG /process/ioPriority/class');

accepts('a CPU affinity', { '/process/execCPUAffinity': { initial: '0', final: '0-3,7' } });
for (const list of ['a', '3-1', '0,', '8192', '0-']) {
  refuses(`the CPU list ${list}`, { '/process/execCPUAffinity': { initial: list } }, 'E_CONFIG /process/execCPUAffinity/initial');
}

accepts('any console size without a terminal', { '/process/terminal': false, '/process/consoleSize': { height: 70000, width: 70000 } });
refuses(
  'a console size beyond 16 bits with a terminal',
  { '/process/consoleSize': { height: 70000, width: 70000 } },
  'E_CONFIG /process/consoleSize/height',
  'E_CONFIG /process/consoleSize/width',
);
refuses('a terminal that is no boolean', { '/process/terminal': 'yes' }, 'E_CONFIG /process/terminal');
warns('a configuration without a process', { '/process': undefined }, 'E_CONFIG /process');

function limit(type: string): unknown {
  return { type, soft: 1, hard: 1 };
}
