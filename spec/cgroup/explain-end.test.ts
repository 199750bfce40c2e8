import test from 'ava';
import { type Counted, explainEnd } from '../../runtime/cgroup/explain-end.ts';

const nothing: Counted = { oomKills: 0, refusedForks: 0, memoryLimit: null, pidsLimit: null };

test('a container that hit no limit is not explained by one, nor is one whose host does not count', (t) => {
  t.deepEqual(explainEnd({ ...nothing, memoryLimit: '4096', pidsLimit: '5' }), []);
  t.deepEqual(explainEnd({ ...nothing, oomKills: null, refusedForks: null }), []);
});

test('a kill for want of memory names the limit, and the field that raises it', (t) => {
  t.deepEqual(explainEnd({ ...nothing, oomKills: 1, memoryLimit: '67108864' }), [
    'out of memory: the kernel killed a process of the container at its limit of 67108864 bytes: raise linux.resources.memory.limit',
  ]);
  t.regex(explainEnd({ ...nothing, oomKills: 3, memoryLimit: '1' }).join(), /killed 3 processes/);
});

test('without a limit of its own it is the host, or a cgroup above, that has no memory or processes left', (t) => {
  const [memory = '', processes = ''] = explainEnd({ ...nothing, oomKills: 1, refusedForks: 2 });
  t.regex(memory, /no limit of its own: the host, or a cgroup above/);
  t.regex(processes, /^2 times a new process was refused: .* no limit of its own: raise pids\.max of the cgroups above/);
});

test('processes that were refused name the limit, and the field that raises it', (t) => {
  t.deepEqual(explainEnd({ ...nothing, refusedForks: 1, pidsLimit: '10' }), [
    'once a new process was refused: the container was at its limit of 10 processes and threads: raise linux.resources.pids.limit',
  ]);
});
