import test from 'ava';
import { validateConfig } from '../../runtime/config/config.ts';
import { refuseNotYet } from '../../runtime/config/not-yet.ts';
import { type Changes, changedConfig } from '../support/config-changes.ts';

for (const [title, changes, pointer] of [
  [
    'SCMP_ACT_NOTIFY',
    {
      '/linux/seccomp': {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/a',
        syscalls: [
          { names: ['read'], action: 'SCMP_ACT_ALLOW' },
          { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' },
        ],
      },
    },
    '/linux/seccomp/syscalls/1/action',
  ],
] as readonly (readonly [string, Changes, string])[]) {
  test(`${title} is valid, and refused as not there yet at ${pointer}`, (t) => {
    const { config, problems } = validateConfig(changedConfig({ '/process/terminal': false, ...changes }));
    t.deepEqual(problems, []);
    t.truthy(config);
    if (config === undefined) return;
    t.deepEqual(
      refuseNotYet(config).map(({ code, pointer: found, severity }) => [code, found, severity]),
      [['E_NOT_YET', pointer, 'error']],
    );
  });
}

test('empty forms of the same ask for nothing', (t) => {
  const changes = {
    '/process': { args: ['sh'], cwd: '/', terminal: false, apparmorProfile: '', selinuxLabel: '' },
    '/hooks': { prestart: [], poststop: null },
    '/linux/mountLabel': '',
    '/linux/netDevices': {},
    '/linux/seccomp': { defaultAction: 'SCMP_ACT_ALLOW' },
  };
  const { config } = validateConfig(changedConfig(changes));
  t.truthy(config);
  if (config !== undefined) t.deepEqual(refuseNotYet(config), []);
});
