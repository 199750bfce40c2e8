import test from 'ava';
import { readConfig, validateConfig } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';

for (const [name, options] of [
  ['krun spec', {}],
  ['krun spec --rootless', { rootless: { uid: 1000, gid: 1001 } }],
] as const) {
  test(`the configuration of ${name} has no problem, not even a warning`, (t) => {
    t.deepEqual(validateConfig(defaultConfig(options)).problems, []);
  });

  test(`the configuration of ${name} survives writing and reading`, (t) => {
    t.deepEqual(readConfig(stringifyConfig(defaultConfig(options))), defaultConfig(options));
  });
}

test('krun spec isolates by six namespaces, without new privileges, in a read-only root', (t) => {
  const { linux, process, root } = defaultConfig();
  t.deepEqual(
    linux?.namespaces?.map(({ type }) => type),
    ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'],
  );
  t.true(process?.noNewPrivileges);
  t.true(root.readonly);
  t.deepEqual(linux?.resources?.devices, [{ allow: false, access: 'rwm' }]);
});

test("krun spec --rootless maps the caller to root, has no group 5, and takes the host's network and /sys", (t) => {
  const { linux, mounts } = defaultConfig({ rootless: { uid: 1000, gid: 1001 } });
  t.deepEqual(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  t.deepEqual(linux?.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }]);
  t.false(linux?.namespaces?.some(({ type }) => type === 'network'));
  t.true(linux?.namespaces?.some(({ type }) => type === 'user'));
  t.is(linux?.resources, undefined);
  t.false(mounts?.some(({ options }) => options?.includes('gid=5')));
  t.is(mounts?.find(({ destination }) => destination === '/sys')?.source, '/sys');
});

test('2^64-1 is written with all of its digits', (t) => {
  const config = {
    ...defaultConfig(),
    process: { cwd: '/', args: ['x'], rlimits: [{ type: 'RLIMIT_CORE', soft: 0n, hard: 2n ** 64n - 1n }] },
  } as const;
  t.true(stringifyConfig(config).includes('"hard": 18446744073709551615'));
});
