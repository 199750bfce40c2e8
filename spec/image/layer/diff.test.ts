import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import fc from 'fast-check';
import { diffLayer } from '../../../runtime/image/layer/diff.ts';
import { unpackLayer } from '../../../runtime/image/layer/unpack.ts';
import { archive, diffOf, type Entry, gnuUnpack, type Manifest, manifestOf, streamOf, temporaryDirectory } from '../../support/layers.ts';
import { skipUnless } from '../../support/skip.ts';

const isRoot = process.geteuid?.() === 0;
const file = { kind: 'file' } as const;
const directory = { kind: 'directory', mode: 0o755 } as const;

const everything: readonly Entry[] = [
  { ...directory, path: 'd/', uid: 3, gid: 4_000_000_000, seconds: 7, nanoseconds: 123456789, mode: 0o1777 },
  { ...file, path: 'd/f', content: 'content', mode: 0o4755, xattrs: [{ name: 'user.b=%', value: Buffer.from([0, 10, 255]) }] },
  { kind: 'hard link', path: 'd/g', target: 'd/f' },
  { kind: 'symlink', path: 'd/s', target: 't'.repeat(300) },
  { kind: 'fifo', path: 'd/fifo' },
  { kind: 'character device', path: 'd/null', major: 1, minor: 3 },
  { kind: 'block device', path: 'd/disk', major: 8, minor: 1_000_000 },
  { ...file, path: `${'p'.repeat(90)}/${'n'.repeat(99)}`, content: 'x'.repeat(513) },
  { ...file, path: `d/${'n'.repeat(200)}`, seconds: -2, nanoseconds: 750000000 },
  { ...file, path: 'caf\xe9', content: 'not UTF-8' },
  { ...file, path: 'd/big', content: Buffer.alloc(300_000, 'abc') },
];

test('a directory becomes a layer that GNU tar and ours make the same directory of, and the same layer again', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const [first, second, gnu] = [await unpacked(t, everything), await temporaryDirectory(t), await temporaryDirectory(t)];
  const layer = await diffOf(first);
  await unpackLayer(streamOf(layer.bytes), second);
  await gnuUnpack(layer.bytes, gnu);
  const expected = withoutRoot(await manifestOf(first));
  t.deepEqual(withoutRoot(await manifestOf(second)), expected);
  t.deepEqual(withoutRoot(await manifestOf(gnu)), expected);
  t.is((await diffOf(second)).diffId, layer.diffId);
  t.is(layer.diffId, `sha256:${createHash('sha256').update(layer.bytes).digest('hex')}`);
  t.is(layer.entries, 12);
});

test("python's tarfile reads it, and finds names sorted, directories before what is in them", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const layer = await diffOf(await unpacked(t, everything));
  const script =
    'import sys,tarfile,io,json\nprint(json.dumps([m.name for m in tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()), errors="surrogateescape").getmembers()]))';
  const names = JSON.parse(execFileSync('python3', ['-c', script], { input: layer.bytes, encoding: 'utf8' })) as string[];
  t.is(names.length, 12);
  t.deepEqual(
    names.map((name) => name.split('/')[0]),
    names.map((name) => name.split('/')[0]).sort(),
  );
});

test('whiteouts and opaque directories become .wh. names, what overlayfs notes for itself is left out', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const [lower, upper, work] = [
    await unpacked(
      t,
      ['gone', 'dir/lower', 'replaced/lower', 'linked'].map((path) => ({ ...file, path, content: 'lower' })),
    ),
    await temporaryDirectory(t),
    await temporaryDirectory(t),
  ];
  const script = `mount -t overlay -o "lowerdir=$0,upperdir=$1,workdir=$2" overlay /mnt && cd /mnt && rm -r gone replaced dir/lower && mkdir replaced &&
    echo own > replaced/own && ln linked again && chmod 600 linked && setfattr -n user.x -v 1 replaced`;
  await execa('unshare', ['-m', 'sh', '-c', script, lower, upper, work]);
  const layer = await diffOf(upper);
  const members = execFileSync('tar', ['-tf', '-'], { input: layer.bytes, encoding: 'utf8' }).trim().split('\n');
  t.deepEqual(members, ['again', 'dir/', 'dir/.wh.lower', '.wh.gone', 'linked', 'replaced/', 'replaced/.wh..wh..opq', 'replaced/own']);
  const back = await temporaryDirectory(t);
  await unpackLayer(streamOf(layer.bytes), back);
  const manifest = await manifestOf(back);
  t.deepEqual(manifest.replaced?.xattrs, { 'trusted.overlay.opaque': '79', 'user.x': '31' });
  t.deepEqual(manifest.gone?.device, [0, 0]);
  t.is(manifest.linked?.first, 'again');
});

test('content that is in another layer is an error', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const upper = await unpacked(t, [{ ...directory, path: 'moved/' }]);
  await execa('setfattr', ['-n', 'trusted.overlay.redirect', '-v', '/elsewhere', `${upper}/moved`]);
  await t.throwsAsync(diffOf(upper), { code: 'E_LAYER_DIFF', message: /redirect/ });
});

test('no time is later than SOURCE_DATE_EPOCH, and the same tree made at another time is the same layer', async (t) => {
  const make = async (): Promise<string> => {
    const tree = await temporaryDirectory(t);
    await execa('sh', ['-c', 'mkdir d; echo x > d/b; echo y > a; ln a d/c'], { cwd: tree });
    return tree;
  };
  const [first, second] = [await diffOf(await make(), { sourceDateEpoch: 1000 }), await diffOf(await make(), { sourceDateEpoch: 1000 })];
  t.is(first.digest, second.digest);
  const listed = execFileSync('tar', ['--utc', '-tvf', '-'], { input: first.bytes, encoding: 'utf8' });
  t.is(listed.match(/1970-01-01 00:16/g)?.length, 4);
});

test('gzip and zstd: the digest is of what is written, the diffId of what is in it', async (t) => {
  const tree = await temporaryDirectory(t);
  await execa('sh', ['-c', 'seq 1 50000 > f'], { cwd: tree });
  const plain = await diffOf(tree);
  for (const [compression, decompress] of [
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
  ] as const) {
    const layer = await diffOf(tree, { compression });
    t.is(layer.diffId, plain.digest);
    t.true(decompress(layer.bytes).equals(plain.bytes));
    t.is(layer.digest, `sha256:${createHash('sha256').update(layer.bytes).digest('hex')}`);
    t.is(layer.size, BigInt(layer.bytes.length));
    t.is(layer.uncompressedSize, BigInt(plain.bytes.length));
  }
});

test('ids become those of the inside again; a socket is left out and told', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const map = [{ containerID: 0, hostID: 100000, size: 1000 }];
  const tree = await temporaryDirectory(t);
  await execa('sh', ['-c', 'echo > f; chown -R 100005:100007 .; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'s\')"'], {
    cwd: tree,
  });
  const layer = await diffOf(tree, { uidMap: map, gidMap: map });
  t.regex(execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: layer.bytes, encoding: 'utf8' }), / 5\/7 .* f\n$/);
  t.is(layer.warnings.length, 1);
  await t.throwsAsync(diffOf(tree, { uidMap: [{ containerID: 0, hostID: 0, size: 10 }] }), { code: 'E_LAYER_ID' });
});

test('an output that fails ends the reading with its error, an aborted one with the reason', async (t) => {
  const tree = await temporaryDirectory(t);
  await execa('sh', ['-c', 'truncate -s 200M f'], { cwd: tree });
  const failing = new Writable({ write: (_piece, _encoding, done) => done(new Error('full')) });
  await t.throwsAsync(diffLayer(tree, failing), { message: 'full' });
  const controller = new AbortController();
  const slow = new PassThrough();
  slow.once('readable', () => controller.abort(new Error('enough')));
  await t.throwsAsync(diffLayer(tree, slow, { signal: controller.signal }), { message: 'enough' });
});

// Names of few letters, so that entries meet.
const name = fc.stringMatching(/^[ab]{1,2}$/).map((text) => text.replace('bb', 'n'.repeat(130)));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const attributes = fc.record({
  mode: fc.constantFrom(0o644, 0o4755, 0o2700, 0),
  uid: fc.constantFrom(0, 1000, 2097152, 4294967294),
  gid: fc.constantFrom(0, 65534),
  seconds: fc.integer({ min: 0, max: 2 ** 33 }),
  nanoseconds: fc.constantFrom(0, 1, 999999999),
  xattrs: fc.constantFrom([], [{ name: 'trusted.x', value: Buffer.from([0, 61, 10]) }]),
});
const kind = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), content: fc.constantFrom('', 'x', 'y'.repeat(1000)) }),
  fc.record({ kind: fc.constant('symlink' as const), target: fc.constantFrom('/', '..', 'l'.repeat(150)) }),
  fc.constant({ kind: 'directory' as const }),
  fc.constant({ kind: 'fifo' as const }),
);
const tree = fc.array(fc.tuple(path, attributes, kind), { maxLength: 12 });

test('any tree is the same after it was a layer, and was what GNU tar makes of that layer', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await fc.assert(
    fc.asyncProperty(tree, async (entries) => {
      const first = await unpacked(t, possible(entries.map(([at, given, what]) => ({ ...given, ...what, path: at }))));
      const layer = await diffOf(first);
      const [second, gnu] = [await temporaryDirectory(t), await temporaryDirectory(t)];
      await unpackLayer(streamOf(layer.bytes, 700), second);
      await gnuUnpack(layer.bytes, gnu);
      const expected = withoutRoot(await manifestOf(first));
      t.deepEqual(withoutRoot(await manifestOf(second)), expected);
      t.deepEqual(withoutRoot(await manifestOf(gnu)), expected);
      t.is((await diffOf(second)).diffId, layer.diffId);
    }),
    { numRuns: Number(process.env.KRUN_FUZZ_RUNS ?? 25), includeErrorInReport: true },
  );
});

// Nothing below what is no directory, and each name once.
function possible(entries: readonly Entry[]): readonly Entry[] {
  const kinds = new Map<string, string>();
  return entries.filter(({ kind: what, path: at }) => {
    const parents = at
      .split('/')
      .map((_, index, all) => all.slice(0, index).join('/'))
      .slice(1);
    if (kinds.has(at) || parents.some((parent) => (kinds.get(parent) ?? 'directory') !== 'directory')) return false;
    for (const parent of parents) kinds.set(parent, 'directory');
    kinds.set(at, what);
    return true;
  });
}

async function unpacked(t: ExecutionContext, entries: readonly Entry[]): Promise<string> {
  const place = await temporaryDirectory(t);
  await unpackLayer(streamOf(archive(...entries)), place);
  return place;
}

// A layer does not say what its root is: its directory is the image's.
function withoutRoot({ '.': _root, ...manifest }: Manifest): Manifest {
  return manifest;
}
