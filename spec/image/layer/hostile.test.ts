// What an archive may try, and what it must not reach: a canary beside the directory that it is unpacked into.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { paxRecord } from '../../../runtime/image/layer/pax-records.ts';
import { emptyTree, type UnpackOptions } from '../../../runtime/image/layer/unpack.ts';
import { archive, changed, type Entry, headersOf, type Manifest, manifestOf, outcomeOf, temporaryDirectory } from '../../support/layers.ts';
import { skipUnless } from '../../support/skip.ts';

const isRoot = process.geteuid?.() === 0;
const file = { kind: 'file', path: 'f', content: 'written' } as const;
const outside = '../canary';

interface Case {
  readonly bytes: Buffer | ((canary: string) => Buffer);
  readonly outcome: string;
  readonly options?: UnpackOptions;
}

const entries = (...list: readonly Entry[]): Buffer => archive(...list);
const header = headersOf(file);

// A header of type x or L with the given data.
const extended = (type: string, data: Buffer): Buffer =>
  Buffer.concat([changed(headersOf({ ...file, content: data }), 156, type), data, Buffer.alloc((512 - (data.length % 512)) % 512)]);

const cases: Readonly<Record<string, Case>> = {
  'a name that leads upwards': { bytes: entries({ ...file, path: outside }), outcome: 'E_LAYER_UNSAFE' },
  'a name that leads upwards later': { bytes: entries({ ...file, path: 'a/b/../../../canary' }), outcome: 'E_LAYER_UNSAFE' },
  'a directory that leads upwards': { bytes: entries({ kind: 'directory', path: '../canary/' }), outcome: 'E_LAYER_UNSAFE' },
  'a whiteout of ..': { bytes: entries({ ...file, path: 'a/.wh...' }), outcome: 'E_LAYER' },
  'a whiteout of nothing': { bytes: entries({ ...file, path: 'a/.wh.' }), outcome: 'E_LAYER' },
  'a whiteout as a directory': { bytes: entries({ ...file, path: '.wh.a/f' }), outcome: 'E_LAYER' },
  'an absolute name': { bytes: (canary) => entries({ ...file, path: canary }), outcome: 'unpacked' },
  'a hard link that leads upwards': { bytes: entries({ kind: 'hard link', path: 'l', target: outside }), outcome: 'E_LAYER_UNSAFE' },
  'an absolute hard link': { bytes: (canary) => entries({ kind: 'hard link', path: 'l', target: canary }), outcome: 'E_LAYER' },
  'a hard link to a directory': {
    bytes: entries({ kind: 'directory', path: 'd/' }, { kind: 'hard link', path: 'l', target: 'd' }),
    outcome: 'E_LAYER',
  },
  'a hard link through a symbolic one': {
    bytes: entries({ kind: 'symlink', path: 's', target: '..' }, { kind: 'hard link', path: 'l', target: 's/canary' }),
    outcome: 'E_LAYER_UNSAFE',
  },
  'a write through a hard link to a symbolic one': {
    bytes: (canary) =>
      entries({ kind: 'symlink', path: 's', target: canary }, { kind: 'hard link', path: 'l', target: 's' }, { ...file, path: 'l' }),
    outcome: 'unpacked',
  },
  'a write through a symbolic link': {
    bytes: (canary) => entries({ kind: 'symlink', path: 'f', target: canary }, file),
    outcome: 'unpacked',
  },
  'a write below a symbolic link': {
    bytes: entries({ kind: 'symlink', path: 's', target: '..' }, { ...file, path: 's/canary' }),
    outcome: 'E_LAYER_UNSAFE',
  },
  'a write below a chain of links': {
    bytes: entries(
      { kind: 'symlink', path: 'a', target: '.' },
      { kind: 'symlink', path: 'b', target: 'a/..' },
      { ...file, path: 'b/canary' },
    ),
    outcome: 'E_LAYER_UNSAFE',
  },
  'a directory that becomes a link': {
    bytes: entries(
      { kind: 'directory', path: 'd/' },
      { ...file, path: 'd/x' },
      { kind: 'symlink', path: 'd', target: '..' },
      { ...file, path: 'd/canary' },
    ),
    outcome: 'E_LAYER_UNSAFE',
  },
  'a link that becomes a directory': {
    bytes: entries({ kind: 'symlink', path: 'd', target: '..' }, { kind: 'directory', path: 'd/' }, { ...file, path: 'd/canary' }),
    outcome: 'unpacked',
  },
  'attributes through a link': {
    bytes: (canary) => entries({ kind: 'symlink', path: 's', target: canary, mode: 0o777, uid: 99, seconds: 5 }),
    outcome: 'unpacked',
  },
  'names that differ in case only': {
    bytes: entries({ kind: 'symlink', path: 'Dir', target: '..' }, { ...file, path: 'dir/canary' }),
    outcome: 'unpacked',
  },
  'an entry through a file': { bytes: entries(file, { ...file, path: 'f/canary' }), outcome: 'E_LAYER_UNSAFE' },
  'the root as a file': { bytes: entries({ ...file, path: './' + '.' }), outcome: 'E_LAYER' },
  'a NUL in a name': { bytes: Buffer.concat([extended('x', paxRecord('path', Buffer.from('a\0../canary'))), header]), outcome: 'E_LAYER' },
  'a newline in a name': { bytes: entries({ ...file, path: 'a\n../b' }), outcome: 'unpacked' },
  'a name that is too long': { bytes: entries({ ...file, path: 'n'.repeat(256) }), outcome: 'E_LAYER' },
  'a path that is too long': { bytes: entries({ ...file, path: 'n/'.repeat(2100) }), outcome: 'E_LAYER' },
  'a symbolic link to nothing': { bytes: entries({ kind: 'symlink', path: 's', target: '' }), outcome: 'E_LAYER' },
  'two thousand levels': { bytes: entries({ ...file, path: `${'d/'.repeat(2040)}f` }, { ...file, path: 'd' }), outcome: 'unpacked' },
  'more devices than allowed': {
    bytes: entries(...['a', 'b', 'c'].map((path) => ({ kind: 'block device', path, major: 8 }) as const)),
    outcome: 'E_LAYER_LIMIT',
    options: { limits: { devices: 2 } },
  },
  'more entries than allowed': { bytes: entries(file, file, file), outcome: 'E_LAYER_LIMIT', options: { limits: { entries: 2 } } },
  'more bytes than allowed': { bytes: gzipSync(Buffer.alloc(1 << 22)), outcome: 'E_LAYER_LIMIT', options: { limits: { size: 1n << 20n } } },
  'zeros behind the end': {
    bytes: zstdCompressSync(Buffer.alloc(1 << 22)),
    outcome: 'E_LAYER_LIMIT',
    options: { limits: { size: 1n << 20n } },
  },
  'an id that is none': {
    bytes: Buffer.concat([extended('x', paxRecord('uid', Buffer.from('4294967295'))), header]),
    outcome: 'E_LAYER_ID',
  },
  'a negative id': { bytes: Buffer.concat([extended('x', paxRecord('uid', Buffer.from('-1'))), header]), outcome: 'E_LAYER_ID' },
  'a negative size': { bytes: changed(header, 124, '\xff'.repeat(12)), outcome: 'E_LAYER' },
  'a size beyond all numbers': { bytes: changed(header, 124, `\x80${'\xff'.repeat(11)}`), outcome: 'E_LAYER' },
  'a wrong checksum': {
    bytes: Buffer.concat([header.subarray(0, 148), Buffer.from('000000\0 '), header.subarray(156)]),
    outcome: 'E_LAYER',
  },
  'no archive at all': { bytes: Buffer.from('<html>'.repeat(200)), outcome: 'E_LAYER' },
  'a type that nobody knows': { bytes: changed(header, 156, 'Z'), outcome: 'E_LAYER' },
  'a huge extended header': { bytes: extended('x', Buffer.alloc(2 << 20)), outcome: 'E_LAYER_LIMIT' },
  'a huge long name': { bytes: extended('L', Buffer.alloc(2 << 20, 'a')), outcome: 'E_LAYER_LIMIT' },
  'a record that is longer than its header': { bytes: extended('x', Buffer.from('99 path=x\n')), outcome: 'E_LAYER' },
  'a record without a key': { bytes: extended('x', Buffer.from('5 =x\n')), outcome: 'E_LAYER' },
  'a record of length 0': { bytes: extended('x', Buffer.from('0 a=b\n')), outcome: 'E_LAYER' },
  'an archive that ends in a file': { bytes: entries({ ...file, content: 'x'.repeat(2000) }).subarray(0, 1500), outcome: 'E_LAYER' },
  'an archive that ends behind an extended header': { bytes: extended('x', paxRecord('path', Buffer.from('x'))), outcome: 'E_LAYER' },
  'a gzip that ends too soon': { bytes: gzipSync(entries(file)).subarray(0, -20), outcome: 'E_LAYER' },
  'a zstd that ends too soon': { bytes: zstdCompressSync(entries(file)).subarray(0, -10), outcome: 'E_LAYER' },
  'a gzip that is damaged': { bytes: damaged(gzipSync(entries({ ...file, content: 'abc'.repeat(999) }))), outcome: 'E_LAYER' },
  'a compression that images do not have': { bytes: Buffer.from('BZh91AY&SY'), outcome: 'E_LAYER' },
  'a sparse file whose pieces overlap': { bytes: sparse('0,5,2,5', 10, 10), outcome: 'E_LAYER' },
  'a sparse file whose pieces lie outside': { bytes: sparse('0,5,20,5', 10, 10), outcome: 'E_LAYER' },
  'a sparse file with more pieces than data': { bytes: sparse('0,5,5,5,10,5', 20, 10), outcome: 'E_LAYER' },
};

for (const [name, { bytes, outcome, options }] of Object.entries(cases)) {
  test(`${name}: ${outcome}, and nothing outside of the directory is touched`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { place, canary, before } = await beside(t);
    const result = await outcomeOf(typeof bytes === 'function' ? bytes(canary) : bytes, place, options);
    t.is(result, outcome);
    t.deepEqual(await withoutPlace(canary), before);
    if (outcome !== 'unpacked') t.deepEqual(await readdir(place), [], 'what was unpacked before is removed');
  });
}

test('a small archive of much data is refused before it fills the disk', async (t) => {
  const { place } = await beside(t);
  const zeros = zstdCompressSync(Buffer.alloc(1 << 24));
  const bytes = Buffer.concat([zstdCompressSync(headersOf({ ...file, size: 2 ** 33 })), ...Array.from({ length: 80 }, () => zeros)]);
  t.is(await outcomeOf(bytes, place, { limits: { ratio: 1000 } }), 'E_LAYER_LIMIT');
  t.deepEqual(await readdir(place), []);
});

test('an archive cut off anywhere gives an error or less, and the directory is empty after an error', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const whole = archive(
    { ...file, nanoseconds: 1, path: `d/${'n'.repeat(120)}` },
    { kind: 'hard link', path: 'l', target: `d/${'n'.repeat(120)}` },
  );
  for (let length = 0; length < whole.length; length += 512 - 100) {
    const { place, canary, before } = await beside(t);
    const outcome = await outcomeOf(whole.subarray(0, length), place);
    t.true(outcome === 'E_LAYER' || outcome === 'unpacked', `${length}: ${outcome}`);
    t.is((await readdir(place)).length > 0 && outcome !== 'unpacked', false, `${length}`);
    t.deepEqual(await withoutPlace(canary), before);
  }
});

test('whatever bytes of an archive are changed, it is unpacked or refused with a code, and nothing outside is touched', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { place, canary, before } = await beside(t);
  const whole = archive(
    { kind: 'directory', path: 'd/' },
    { kind: 'symlink', path: 'd/s', target: '..' },
    { ...file, path: `d/${'n'.repeat(101)}`, nanoseconds: 7, xattrs: [{ name: 'user.x', value: Buffer.from('v') }] },
    { kind: 'hard link', path: 'l', target: 'd/s' },
    { ...file, path: 'd/.wh.x' },
  );
  const codes = new Set<string>();
  // Mostly where headers say something; a changed header gets the checksum that it needs, else nothing else would be tried.
  const change = fc.tuple(
    fc.nat(Math.floor(whole.length / 512) - 3),
    fc.oneof(fc.nat(511), fc.constantFrom(0, 1, 2, 100, 124, 135, 156, 157, 158)),
    fc.nat(255),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const bytes = Buffer.from(whole);
      for (const [block, at, value] of changes) {
        changed(bytes.subarray(block * 512, block * 512 + 512), at, String.fromCharCode(value)).copy(bytes, block * 512);
      }
      const outcome = await outcomeOf(bytes, place);
      codes.add(outcome);
      t.regex(outcome, /^(unpacked|E_LAYER(_[A-Z]+)?)$/);
      await emptyTree(place);
      t.deepEqual(await withoutPlace(canary), before);
    }),
    { numRuns: Number(process.env.KRUN_FUZZ_RUNS ?? 60) },
  );
  t.true(codes.has('unpacked') && codes.has('E_LAYER'), [...codes].join());
});

function sparse(map: string, size: number, stored: number): Buffer {
  const records = Buffer.concat([paxRecord('GNU.sparse.map', Buffer.from(map)), paxRecord('GNU.sparse.size', Buffer.from(String(size)))]);
  return Buffer.concat([extended('x', records), entries({ ...file, content: 'x'.repeat(stored) })]);
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0xff, 12, 24);
  return copy;
}

async function beside(t: ExecutionContext): Promise<{ readonly place: string; readonly canary: string; readonly before: Manifest }> {
  const directory = await temporaryDirectory(t);
  const [place, canary] = [join(directory, 'place'), join(directory, 'canary')];
  await mkdir(place);
  await mkdir(canary);
  await writeFile(join(canary, 'file'), 'untouched');
  return { place, canary, before: await withoutPlace(canary) };
}

// The canary and all beside it, but what was unpacked.
async function withoutPlace(canary: string): Promise<Manifest> {
  const manifest = await manifestOf(join(canary, '..'));
  return Object.fromEntries(Object.entries(manifest).filter(([path]) => path !== 'place' && !path.startsWith('place/')));
}
