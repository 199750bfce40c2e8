import test from 'ava';
import { encodePlan } from '../../runtime/channel/encode-plan.ts';
import { planJson } from '../../runtime/cli/plan-json.ts';
import { printPlan } from '../../runtime/cli/print-plan.ts';
import type { Plan } from '../../runtime/plan/ops.ts';

const plan: Plan = [
  { op: 'openNull', pointer: '', null: 'null' },
  { op: 'onExit', pointer: '', program: [{ op: 'killCgroup', pointer: '', cgroup: 'cgroup' }] },
  {
    op: 'clone',
    pointer: '/linux/namespaces',
    flags: 0x20020000n,
    cgroup: 'cgroup',
    program: [
      { op: 'createDevice', pointer: '', root: 'root', path: '/dev/null', type: 0o020000, major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 },
      { op: 'setrlimit', pointer: '/process/rlimits/0', resource: 7, soft: 1024n, hard: 0xffffffffffffffffn },
      { op: 'dropBoundingSet', pointer: '/process/capabilities/bounding', keep: 0x21n },
      { op: 'setUmask', pointer: '', mask: 0o22 },
      { op: 'installSeccomp', pointer: '/linux/seccomp', program: new Uint8Array([6, 0, 0, 0, 0, 0, 255, 127]), flags: 4 },
      { op: 'setUser', pointer: '', uid: 0, gid: 0, groups: [], setGroups: true },
      { op: 'execute', pointer: '/process/args', arguments: ['sh', '-c', 'echo hi'], environment: [] },
    ],
  },
  { op: 'write', pointer: '', descriptor: 1, content: new TextEncoder().encode('hi\n') },
];

test('a plan is a line an op: number, name, fields in the kernel’s words, place in config.json; nested programs indented', (t) => {
  t.is(
    printPlan(plan),
    `   0  openNull null=@null
   1  onExit
   2    killCgroup cgroup=@cgroup
   3  clone flags=CLONE_NEWNS|CLONE_NEWPID cgroup=@cgroup  ← /linux/namespaces
   4    createDevice root=@root path=/dev/null type=S_IFCHR major=1 minor=3 mode=0666 uid=0 gid=0
   5    setrlimit resource=RLIMIT_NOFILE soft=1024 hard=RLIM_INFINITY  ← /process/rlimits/0
   6    dropBoundingSet keep=CHOWN|KILL  ← /process/capabilities/bounding
   7    setUmask mask=022
   8    installSeccomp program=<8 bytes> flags=SPEC_ALLOW  ← /linux/seccomp
   9    setUser uid=0 gid=0 setGroups
  10    execute arguments=[sh -c "echo hi"]  ← /process/args
  11  write descriptor=1 content="hi\\n"
`,
  );
});

test('the plan that is printed is one that can be sent', (t) => {
  t.notThrows(() => encodePlan(plan));
});

test('as JSON a plan keeps every field, all digits of uint64 values, and text as text', (t) => {
  const json = planJson(plan);
  t.true(json.includes('"hard": 18446744073709551615'));
  const [, , clone, write] = JSON.parse(json);
  t.is(clone.program[4].program, 'base64:BgAAAAAA/38=');
  t.is(clone.flags, 0x20020000);
  t.is(write.content, 'hi\n');
});

test('what is 0 or false is said where it means something', (t) => {
  t.is(
    printPlan([
      { op: 'setDumpable', pointer: '', dumpable: false },
      { op: 'chownStdio', pointer: '', uid: 0, gid: 0xffffffff },
      { op: 'setUmask', pointer: '', mask: 0 },
    ]),
    '   0  setDumpable dumpable=false\n   1  chownStdio uid=0 gid=-1\n   2  setUmask mask=0\n',
  );
});

test('a value that could be taken for another one is quoted', (t) => {
  const environment = ['A=b c', 'B=', 'C="', 'D=\u001b[31m'];
  t.is(
    printPlan([{ op: 'execute', pointer: '', arguments: [''], environment }]),
    '   0  execute arguments=[""] environment=["A=b c" B= "C=\\"" "D=\\u001b[31m"]\n',
  );
});
