// CVE-2019-14271, CVE-2022-1227: a privileged process loads the container's libraries.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { runInRootfs } from '../support/in-rootfs.ts';
import { krunBinary } from '../support/krun.ts';
import { makeStage } from '../support/rootfs-plan.ts';
import { skipUnless } from '../support/skip.ts';

const [PT_LOAD, PT_DYNAMIC, PT_INTERP] = [1, 2, 3]; // elf(5)

test('the helper has neither an interpreter nor libraries to load', async (t) => {
  const types = await segmentTypes(krunBinary);
  t.true(types.includes(PT_LOAD));
  t.false(types.includes(PT_INTERP));
  t.false(types.includes(PT_DYNAMIC), 'it could name libraries');
  const node = await segmentTypes(process.execPath);
  t.true(node.includes(PT_INTERP) && node.includes(PT_DYNAMIC), 'of a program that has both it is seen');
});

async function segmentTypes(program: string): Promise<number[]> {
  const elf = await readFile(program);
  const [at, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => elf.readUInt32LE(at + index * size));
}

test('in the container nothing is opened before execve but what the plan names', async (t) => {
  const strace = await execa('strace', ['-V'], { reject: false });
  if (skipUnless(t, 'strace', strace.exitCode === 0)) return;
  const stage = await makeStage(t);
  if (stage === null) return;
  const markers = ['lib/ld-musl-x86_64.so.1', 'etc/ld.so.preload', 'etc/nsswitch.conf', 'lib/libnss_files.so.2', 'etc/localtime'];
  for (const marker of markers) {
    await mkdir(join(stage.rootfs, marker, '..'), { recursive: true });
    await writeFile(join(stage.rootfs, marker), 'marker');
  }
  const log = join(stage.canary, '../', `krun-trace-${process.pid}`);
  t.teardown(() => execa('rm', ['-f', log]));
  const calls = 'trace=open,openat,openat2,execve,execveat,pivot_root,uselib';
  const wrapper = ['strace', '-f', '-o', log, '-e', calls];
  const settings = { process: { user: { uid: 1000, gid: 1000 }, args: ['/bin/true'] } };
  const { failure, stderr } = await runInRootfs(stage, settings, { wrapper });
  t.is(failure, null, stderr);
  const lines = (await readFile(log, 'utf8')).split('\n').map((line) => line.replace(/^\d+ +/, ''));
  const pivot = lines.findIndex((line) => line.startsWith('pivot_root('));
  const execve = lines.findIndex((line, index) => index > pivot && line.startsWith('execve('));
  t.true(pivot > 0 && execve > pivot);
  const opened = lines.slice(pivot + 1, execve).filter((line) => line.startsWith('open'));
  t.true(opened.length > 0);
  for (const line of opened) t.regex(line, /^openat2?\(\d+, "etc\/passwd"|^open(at)?\((AT_FDCWD, )?"\/", |^openat\(AT_FDCWD, "\.", /);
});
