import test from 'ava';
import { ancestorsOf, containerCgroupPath, parentOf } from '../../runtime/cgroup/path.ts';

const table: Readonly<Record<string, readonly [cgroupsPath: string | undefined, own: string | null, expected: string]>> = {
  'absent: beside the caller': [undefined, '/user.slice/app.scope', '/user.slice/krun-c1'],
  'absent, the caller in the root': [undefined, '/', '/krun-c1'],
  'absent, the caller one below the root': [undefined, '/init.scope', '/krun-c1'],
  'absent, the caller outside of the mount': [undefined, null, '/krun-c1'],
  'absolute: from the root of the mount': ['/kubepods/pod1/c1', '/user.slice/app.scope', '/kubepods/pod1/c1'],
  'relative: beside the caller': ['pod1/c1', '/user.slice/app.scope', '/user.slice/pod1/c1'],
  'relative, the caller in the root': ['pod1', '/', '/pod1'],
  'one colon is a name': ['/a:b', '/', '/a:b'],
  'colons behind a slash are names': ['/a/b:c:d', '/', '/a/b:c:d'],
  'dots in names': ['/a.b/..c/...', '/', '/a.b/..c/...'],
};

for (const [title, [cgroupsPath, own, expected]] of Object.entries(table)) {
  test(`cgroupsPath ${title}`, (t) => {
    t.is(containerCgroupPath({ cgroupsPath, id: 'c1', own, isWritable: () => true }), expected);
  });
}

test("systemd's form is refused with the flag that it needs", (t) => {
  const error = t.throws(() => containerCgroupPath({ cgroupsPath: 'system.slice:krun:c1', id: 'c1', own: '/', isWritable: () => true }), {
    code: 'E_BAD_CGROUP',
  });
  t.like(error, { pointer: '/linux/cgroupsPath', hint: 'give --systemd-cgroup' });
});

test('a path that is not normal is refused with the one that is', (t) => {
  t.throws(() => containerCgroupPath({ cgroupsPath: '/a//b/./c/', id: 'c1', own: '/', isWritable: () => true }), {
    message: /"\/a\/b\/c" instead of/,
  });
  t.throws(() => containerCgroupPath({ cgroupsPath: 'a//b', id: 'c1', own: '/', isWritable: () => true }), {
    message: /"a\/b" instead of/,
  });
});

test('parents and ancestors', (t) => {
  t.deepEqual(['/', '/a', '/a/b'].map(parentOf), ['/', '/', '/a']);
  t.deepEqual(ancestorsOf('/a/b/c'), ['/', '/a', '/a/b']);
  t.deepEqual(ancestorsOf('/a'), ['/']);
});

test('where only the caller’s own cgroup is delegated the container’s is below it, else beside', (t) => {
  const place = (...writable: readonly string[]) =>
    containerCgroupPath({ cgroupsPath: undefined, id: 'c1', own: '/a.slice/b', isWritable: (path) => writable.includes(path) });
  t.is(place('/a.slice/b'), '/a.slice/b/krun-c1');
  t.is(place('/a.slice', '/a.slice/b'), '/a.slice/krun-c1');
  t.is(place(), '/a.slice/krun-c1');
});
