import test from 'ava';
import { readConfig } from '../../runtime/config/config.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';
import { accepts, refuses, warns } from '../support/config-cases.ts';
import { changedConfig } from '../support/config-changes.ts';

const at = '/linux/seccomp';
const profile = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  [at]: { defaultAction: 'SCMP_ACT_ALLOW', ...entry },
});
const rule = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  profile({ syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', ...entry }] });
const argument = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  rule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...entry }] });

accepts('a profile with everything', {
  [at]: {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_LOONGARCH64'],
    flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
    syscalls: [
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW', args: [] },
      {
        names: ['socket'],
        action: 'SCMP_ACT_TRACE',
        errnoRet: 65535,
        args: [{ index: 5, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  },
});
accepts('an empty profile, which is none,', { [at]: {} });
accepts('an errno of null', rule({ errnoRet: null }));

refuses('a profile without a default action', { [at]: { syscalls: [] } }, `E_CONFIG ${at}/defaultAction`);
refuses('an unknown action', profile({ defaultAction: 'SCMP_ACT_DENY' }), `E_CONFIG ${at}/defaultAction`);
refuses('an unknown architecture', profile({ architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_VAX'] }), `E_CONFIG ${at}/architectures/1`);
refuses('an unknown flag', profile({ flags: ['SECCOMP_FILTER_FLAG_NEW_LISTENER'] }), `E_CONFIG ${at}/flags/0`);
refuses('a rule without names', rule({ names: [] }), `E_CONFIG ${at}/syscalls/0/names`);
refuses('an empty name', rule({ names: ['mkdir', ''] }), `E_CONFIG ${at}/syscalls/0/names/1`);
refuses('a rule without an action', rule({ action: undefined }), `E_CONFIG ${at}/syscalls/0/action`);
for (const action of ['ALLOW', 'KILL', 'KILL_PROCESS', 'KILL_THREAD', 'TRAP', 'LOG']) {
  refuses(`an errno with SCMP_ACT_${action}`, rule({ action: `SCMP_ACT_${action}`, errnoRet: 1 }), `E_CONFIG ${at}/syscalls/0/errnoRet`);
  refuses(
    `a default errno with SCMP_ACT_${action}`,
    profile({ defaultAction: `SCMP_ACT_${action}`, defaultErrnoRet: 1 }),
    `E_CONFIG ${at}/defaultErrnoRet`,
  );
}
refuses('an errno of 4096', rule({ errnoRet: 4096 }), `E_CONFIG ${at}/syscalls/0/errnoRet`);
refuses('a trace value of 17 bits', rule({ action: 'SCMP_ACT_TRACE', errnoRet: 65536 }), `E_CONFIG ${at}/syscalls/0/errnoRet`);
refuses('an argument index of 6', argument({ index: 6 }), `E_CONFIG ${at}/syscalls/0/args/0/index`);
refuses('an argument without a value', argument({ value: undefined }), `E_CONFIG ${at}/syscalls/0/args/0/value`);
refuses('a negative argument value', argument({ value: -1 }), `E_CONFIG ${at}/syscalls/0/args/0/value`);
refuses('an unknown operator', argument({ op: '==' }), `E_CONFIG ${at}/syscalls/0/args/0/op`);

const notify = { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' };
accepts('SCMP_ACT_NOTIFY with a listener', profile({ listenerPath: '/run/a.sock', listenerMetadata: 'x', syscalls: [notify] }));
refuses('SCMP_ACT_NOTIFY without a listener', profile({ syscalls: [notify] }), `E_CONFIG ${at}/listenerPath`);
refuses(
  'SCMP_ACT_NOTIFY as default',
  profile({ defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/run/a.sock' }),
  `E_CONFIG ${at}/defaultAction`,
);
refuses(
  'SCMP_ACT_NOTIFY for write',
  profile({ listenerPath: '/run/a.sock', syscalls: [{ names: ['read', 'write'], action: 'SCMP_ACT_NOTIFY' }] }),
  `E_CONFIG ${at}/syscalls/0/names/1`,
);
refuses('metadata without a listener', profile({ listenerMetadata: 'x' }), `E_CONFIG ${at}/listenerMetadata`);
warns('waiting killably without SCMP_ACT_NOTIFY', profile({ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), `E_CONFIG ${at}/flags/0`);

test('argument values of 64 bits survive reading and writing', (t) => {
  const value = 18446744073709551615n;
  const config = changedConfig(argument({ value, valueTwo: 9007199254740993n, op: 'SCMP_CMP_MASKED_EQ' }));
  const read = readConfig(stringifyConfig(config as Parameters<typeof stringifyConfig>[0]));
  t.deepEqual(read.linux?.seccomp?.syscalls?.[0]?.args?.[0], { index: 0, value, valueTwo: 9007199254740993n, op: 'SCMP_CMP_MASKED_EQ' });
  t.deepEqual(readConfig(stringifyConfig(read)), read);
});
