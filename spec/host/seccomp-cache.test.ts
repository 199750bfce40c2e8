import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execaSync } from 'execa';
import { readCachedSeccomp, writeCachedSeccomp } from '../../runtime/host/seccomp-cache.ts';
import { seccompCacheKey } from '../../runtime/plan/seccomp/cache-entry.ts';
import { skipUnless } from '../support/skip.ts';

const key = seccompCacheKey({ defaultAction: 'SCMP_ACT_ERRNO' }, 'x86_64');
const compiled = { program: Uint8Array.from([6, 0, 0, 0, 0, 0, 255, 127]), flags: 4 };

test('what was written is read back', (t) => {
  const directory = join(newDirectory(t), 'cache');
  t.is(readCachedSeccomp(directory, key), undefined);
  t.true(writeCachedSeccomp(directory, key, compiled));
  t.deepEqual(readCachedSeccomp(directory, key), compiled);
});

test('directory and entry are for the owner alone, and no temporary file stays', (t) => {
  const directory = join(newDirectory(t), 'cache');
  writeCachedSeccomp(directory, key, compiled);
  writeCachedSeccomp(directory, key, compiled);
  t.is(lstatSync(directory).mode & 0o777, 0o700);
  t.is(lstatSync(join(directory, key.name)).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(directory), [key.name]);
});

for (const mode of [0o720, 0o702]) {
  test(`a directory of mode ${mode.toString(8)} is neither read nor written`, (t) => {
    const directory = filledDirectory(t);
    chmodSync(directory, mode);
    t.is(readCachedSeccomp(directory, key), undefined);
    t.false(writeCachedSeccomp(directory, key, compiled));
  });

  test(`an entry of mode ${mode.toString(8)} is not read, and is replaced`, (t) => {
    const directory = filledDirectory(t);
    chmodSync(join(directory, key.name), mode);
    t.is(readCachedSeccomp(directory, key), undefined);
    t.true(writeCachedSeccomp(directory, key, compiled));
    t.deepEqual(readCachedSeccomp(directory, key), compiled);
  });
}

test("another user's directory or entry is not read", (t) => {
  if (skipUnless(t, 'root', process.geteuid?.() === 0)) return;
  const one = filledDirectory(t);
  chownSync(join(one, key.name), 1, 1);
  t.is(readCachedSeccomp(one, key), undefined);
  const other = filledDirectory(t);
  chownSync(other, 1, 1);
  t.is(readCachedSeccomp(other, key), undefined);
  t.false(writeCachedSeccomp(other, key, compiled));
});

test('symbolic links are not followed', (t) => {
  const directory = filledDirectory(t);
  const link = join(newDirectory(t), 'link');
  symlinkSync(directory, link);
  t.is(readCachedSeccomp(link, key), undefined);
  t.false(writeCachedSeccomp(link, key, compiled));
  renameSync(join(directory, key.name), join(directory, 'moved'));
  symlinkSync('moved', join(directory, key.name));
  t.is(readCachedSeccomp(directory, key), undefined);
});

test('a fifo or a directory in the place of an entry is no entry', (t) => {
  const directory = newDirectory(t);
  execaSync('mkfifo', [join(directory, key.name)]);
  t.is(readCachedSeccomp(directory, key), undefined);
  rmSync(join(directory, key.name));
  mkdirSync(join(directory, key.name));
  t.is(readCachedSeccomp(directory, key), undefined);
  t.false(writeCachedSeccomp(directory, key, compiled));
  t.deepEqual(readdirSync(directory), [key.name]);
});

test('a damaged entry is no entry', (t) => {
  const directory = filledDirectory(t);
  writeFileSync(join(directory, key.name), 'krun-seccomp-1\n');
  t.is(readCachedSeccomp(directory, key), undefined);
});

test('a directory that cannot be made is no error', (t) => {
  t.false(writeCachedSeccomp(join(newDirectory(t), 'missing', 'cache'), key, compiled));
});

function filledDirectory(t: ExecutionContext): string {
  const directory = newDirectory(t);
  writeCachedSeccomp(directory, key, compiled);
  return directory;
}

function newDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'krun-cache-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}
