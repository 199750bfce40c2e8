import test from 'ava';
import { scopeOf } from '../../../runtime/cgroup/systemd/unit.ts';

const system = { id: 'c1', user: false, managerRoot: '' } as const;
const root = '/user.slice/user-7.slice/user@7.service';

const scopes: readonly [cgroupsPath: string | undefined, unit: string, path: string][] = [
  [undefined, 'krun-c1.scope', '/system.slice/krun-c1.scope'],
  ['', 'krun-c1.scope', '/system.slice/krun-c1.scope'],
  ['system.slice:docker:abc', 'docker-abc.scope', '/system.slice/docker-abc.scope'],
  [':runc:abc', 'runc-abc.scope', '/system.slice/runc-abc.scope'],
  ['machine.slice:libpod:abc', 'libpod-abc.scope', '/machine.slice/libpod-abc.scope'],
  ['a-b-c.slice:x:y', 'x-y.scope', '/a.slice/a-b.slice/a-b-c.slice/x-y.scope'],
  ['-.slice:x:y', 'x-y.scope', '/x-y.scope'],
  ['system.slice::y', 'y.scope', '/system.slice/y.scope'],
  ['system.slice::memory', 'memory.scope', '/system.slice/_memory.scope'],
  ['system.slice::_x', '_x.scope', '/system.slice/__x.scope'],
  ['system.slice::.x', '.x.scope', '/system.slice/_.x.scope'],
  ['system.slice::cgroup.x', 'cgroup.x.scope', '/system.slice/_cgroup.x.scope'],
];

for (const [cgroupsPath, unit, path] of scopes) {
  test(`cgroupsPath ${JSON.stringify(cgroupsPath)} is the scope ${unit} at ${path}`, (t) => {
    t.like(scopeOf({ ...system, cgroupsPath }), { unit, path });
  });
}

test("a user's scopes are in the user's own slice, below the user's own systemd", (t) => {
  const user = { id: 'c1', user: true, managerRoot: root };
  t.deepEqual(scopeOf({ ...user, cgroupsPath: undefined }), {
    unit: 'krun-c1.scope',
    slice: 'user.slice',
    path: `${root}/user.slice/krun-c1.scope`,
  });
  t.is(scopeOf({ ...user, cgroupsPath: 'a-b.slice:x:y' }).path, `${root}/a.slice/a-b.slice/x-y.scope`);
});

test('what an id may hold and a unit may not is escaped', (t) => {
  t.like(scopeOf({ ...system, id: 'a+b', cgroupsPath: undefined }), {
    unit: 'krun-a\\x2bb.scope',
    path: '/system.slice/krun-a\\x2bb.scope',
  });
});

const refused: readonly [cgroupsPath: string, why: RegExp][] = [
  ['/a/b', /slice:prefix:name/],
  ['a:b', /slice:prefix:name/],
  ['a.slice:b:c:d', /slice:prefix:name/],
  ['a.slice:b/x:c', /slice:prefix:name/],
  ['a.slice:b:', /name the scope/],
  ['a.slice:b:c.slice', /must not name a slice/],
  ['a:b:c', /name of a slice/],
  ['.slice:b:c', /name of a slice/],
  ['a--b.slice:b:c', /empty part/],
  ['-a.slice:b:c', /empty part/],
  ['a.slice:b:c d', /letters, digits/],
  ["a.slice:b:c'", /letters, digits/],
  ['a b.slice:b:c', /letters, digits/],
  [`a.slice:b:${'c'.repeat(250)}`, /at most 255/],
];

for (const [cgroupsPath, message] of refused) {
  test(`cgroupsPath ${JSON.stringify(cgroupsPath.slice(0, 40))} is refused`, (t) => {
    t.throws(() => scopeOf({ ...system, cgroupsPath }), { code: 'E_BAD_CGROUP', message });
  });
}

test('what refuses a cgroupsPath for cgroupfs names the flag to leave out', (t) => {
  const error = t.throws(() => scopeOf({ ...system, cgroupsPath: '/a/b' }));
  t.like(error, { pointer: '/linux/cgroupsPath', hint: 'leave out --systemd-cgroup' });
});
