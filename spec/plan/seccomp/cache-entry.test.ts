import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import type { Seccomp, SyscallArgument } from '../../../runtime/config/config.ts';
import { compilerRevision, decodeCacheEntry, encodeCacheEntry, seccompCacheKey } from '../../../runtime/plan/seccomp/cache-entry.ts';
import { compileSeccomp } from '../../../runtime/plan/seccomp/compile.ts';
import { isIntArgument } from '../../../runtime/plan/seccomp/int-arguments.ts';
import { syscallNumbers } from '../../../runtime/plan/seccomp/syscall-numbers.ts';
import { readProfile } from '../../support/seccomp-fixtures.ts';

const compiled = { program: Uint8Array.from([6, 0, 0, 0, 0, 0, 255, 127]), flags: 4 };
const profile: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' }] };
const ops = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}` as SyscallArgument['op']);
const everyOperator: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_ARM'],
  flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'],
  syscalls: ops.map((op, index) => ({
    names: ['read', 'socket', 'shmctl'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: index,
    args: [{ index: (index % 5) + 1, value: 0x500000003n, valueTwo: 1n, op }],
  })),
};
const key = seccompCacheKey(profile, 'x86_64');

test('an entry gives back the program and the flags', (t) => {
  t.deepEqual(decodeCacheEntry(key, encodeCacheEntry(key, compiled)), compiled);
});

test('an entry of another profile is refused, though it has the same name', (t) => {
  const other = { name: key.name, text: seccompCacheKey(profile, 'aarch64').text };
  t.is(decodeCacheEntry(key, encodeCacheEntry(other, compiled)), undefined);
});

test('an entry that lost or gained bytes is refused', (t) => {
  const entry = encodeCacheEntry(key, compiled);
  for (let length = 0; length < entry.length; length++) t.is(decodeCacheEntry(key, entry.subarray(0, length)), undefined);
  t.is(decodeCacheEntry(key, Uint8Array.from([...entry, 0])), undefined);
});

test('no bytes at all make decoding throw', (t) => {
  t.notThrows(() => fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeCacheEntry(key, bytes) === undefined)));
});

test('the name is a plain file name', (t) => {
  t.regex(key.name, /^[0-9a-f]{16}$/);
});

test('every part of a profile that the program depends on is in the key', (t) => {
  const rule = { names: ['read'], action: 'SCMP_ACT_ERRNO' as const };
  const argument = { index: 0, value: 1n, op: 'SCMP_CMP_EQ' as const };
  const profiles: Seccomp[] = [
    profile,
    { ...profile, defaultAction: 'SCMP_ACT_ALLOW' },
    { ...profile, defaultErrnoRet: 2 },
    { ...profile, architectures: ['SCMP_ARCH_X86'] },
    { ...profile, architectures: [] },
    { ...profile, flags: [] },
    { ...profile, flags: ['SECCOMP_FILTER_FLAG_LOG'] },
    { ...profile, syscalls: [] },
    ...[
      rule,
      { ...rule, names: ['read', 'write'] },
      { ...rule, names: ['read","write'] },
      { ...rule, errnoRet: 1 },
      { ...rule, args: [argument] },
      { ...rule, args: [{ ...argument, value: (1n << 64n) - 1n }] },
      { ...rule, args: [{ ...argument, valueTwo: 1n }] },
      { ...rule, args: [{ ...argument, index: 1 }] },
      { ...rule, args: [{ ...argument, op: 'SCMP_CMP_NE' as const }] },
    ].map((one) => ({ ...profile, syscalls: [one] })),
  ];
  const texts = [...profiles.map((one) => seccompCacheKey(one, 'x86_64').text), seccompCacheKey(profile, 'aarch64').text];
  t.is(new Set(texts).size, texts.length);
});

// If this fails because the compiler makes other programs now: raise compilerRevision, then take over the digest.
test('the programs of a compiler revision never change', (t) => {
  const digest = createHash('sha256');
  for (const native of ['x86_64', 'aarch64'] as const) {
    for (const one of [readProfile('docker'), readProfile('podman'), everyOperator]) {
      const result = compileSeccomp({ ...one, architectures: one.architectures ?? [] }, native);
      digest.update(result?.program ?? new Uint8Array()).update(`${result?.flags}`);
    }
  }
  for (const table of ['x86_64', 'x32', 'x86', 'aarch64', 'arm'] as const) {
    for (const [name, number] of syscallNumbers(table)) {
      digest.update(`${table} ${name} ${number} ${[0, 1, 2, 3, 4, 5].map((index) => isIntArgument(name, index))}\n`);
    }
  }
  const expected = { revision: 1, digest: '36a0a8722d7dbf287c1c990c0d26525092d92343128e51ab5bf7f09e966e9bc8' };
  t.deepEqual({ revision: compilerRevision, digest: digest.digest('hex') }, expected);
});
