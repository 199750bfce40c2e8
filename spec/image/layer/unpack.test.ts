import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { unpackLayer } from '../../../runtime/image/layer/unpack.ts';
import { archive, type Entry, gnuUnpack, headersOf, manifestOf, outcomeOf, streamOf, temporaryDirectory } from '../../support/layers.ts';
import { skipUnless } from '../../support/skip.ts';

const isRoot = process.geteuid?.() === 0;

let made: Promise<string> | undefined;
test.after.always(async () => rm((await made) ?? '/nonexistent', { recursive: true, force: true }));

// Of everything that tar knows; the names with a length that its formats treat differently.
const sources = `
  mkdir -p d/e deep/${'p'.repeat(120)}/${'q'.repeat(120)}; echo hi > d/f; ln d/f d/hard; ln -s /etc/passwd d/absolute; ln -s ${'t'.repeat(200)} d/far
  mkfifo d/fifo; mknod d/null c 1 3; mknod d/block b 8 1; truncate -s 10M d/sparse; printf there | dd of=d/sparse bs=1 seek=5000000 conv=notrunc status=none
  truncate -s 3M d/hole; python3 -c 'f = open("d/many", "wb"); [(f.seek(i * 65536), f.write(b"x")) for i in range(60)]'
  chmod 4755 d/f; setfattr -n security.capability -v 0x0100000202000000000000000000000000000000 d/many; setfattr -n user.binary -v 0x0001ff0a3d00 d/hole
  setfattr -n user.dir -v 0xff d/e; chown -h 12:34 d/absolute; chown 100000:4000000000 d/e; chmod 1777 d/e; printf 'a' > "$(printf 'new\\nline \\351')"
  seq 1 100000 > big; ln big deep/${'p'.repeat(120)}/big; : > empty; touch -d @-1.25 empty; touch -d '2001-02-03 04:05:06.123456789' d/f; touch -d '2001-01-01' d`;

const variants: Readonly<Record<string, string>> = {
  'the GNU format': '--format=gnu -S --numeric-owner',
  'the old GNU format': '--format=oldgnu -S',
  'the pax format': '--format=pax --xattrs --xattrs-include=*',
  'sparse files of pax 0.0': '--format=pax -S --sparse-version=0.0 --xattrs --xattrs-include=*',
  'sparse files of pax 0.1': '--format=pax -S --sparse-version=0.1 --xattrs --xattrs-include=*',
  'sparse files of pax 1.0': '--format=pax -S --sparse-version=1.0 --xattrs --xattrs-include=*',
  'global extended headers': '--format=pax --pax-option=globexthdr.name=g,mtime=1234567.5,uid=77',
};

for (const [name, options] of Object.entries(variants)) {
  test(`an archive with ${name} gives what GNU tar makes of it`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const tar = gnuArchive(await sourceTree(t), options);
    t.deepEqual(await ours(t, tar), await theirs(t, tar));
  });
}

test('an archive in the ustar and in the v7 format gives what GNU tar makes of it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const source = await sourceTree(t);
  await execa('sh', ['-c', 'rm -rf deep d/far empty; chown 0:0 d/e'], { cwd: source });
  for (const options of ['--format=ustar', '--format=v7 --exclude=./d/fifo --exclude=./d/null --exclude=./d/block']) {
    const tar = gnuArchive(source, options);
    t.deepEqual(await ours(t, tar), await theirs(t, tar), options);
  }
});

test('gzip, several members of it, zstd, several frames and skippable ones, and none: the same tree and diffId', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const tar = gnuArchive(await sourceTree(t), variants['the pax format'] ?? '');
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const parts = [tar.subarray(0, 700), tar.subarray(700, 5000), tar.subarray(5000)];
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const compressed = {
    none: tar,
    gzip: gzipSync(tar),
    'members of gzip': Buffer.concat(parts.map((part) => gzipSync(part))),
    zstd: zstdCompressSync(tar),
    'frames of zstd': Buffer.concat([skippable, ...parts.flatMap((part) => [zstdCompressSync(part), skippable])]),
    'frames of the zstd program': Buffer.concat(parts.map((part) => execFileSync('zstd', ['-q', '-c', '--check'], { input: part }))),
  };
  const expected = await theirs(t, tar);
  for (const [name, bytes] of Object.entries(compressed)) {
    const directory = await temporaryDirectory(t);
    const { size, ...layer } = await unpackLayer(streamOf(bytes, 1000), directory);
    t.is(layer.diffId, diffId, name);
    t.is(size, BigInt(tar.length), name);
    t.deepEqual(await manifestOf(directory), expected, name);
  }
});

test('pieces of any length give the same', async (t) => {
  const tar = archive(
    { kind: 'directory', path: 'a/', mode: 0o755 },
    { kind: 'file', path: `a/${'n'.repeat(150)}`, content: 'x'.repeat(1500), nanoseconds: 5 },
  );
  const expected = await ours(t, tar);
  for (const length of [1, 7, 511, 512, 513]) t.deepEqual(await ours(t, tar, length), expected, `${length}`);
});

test('what GNU tar lists, checksums of signed bytes, numbers of base 256 and a file without end blocks are understood', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const header = Buffer.from(headersOf({ kind: 'file', path: 'caf\xe9' }).subarray(-512));
  header.write('caf\xe9', 0, 'latin1');
  header.write('        ', 148, 'latin1');
  Buffer.from([0x80, 0, 0, 0, 0x01, 0, 0, 0x05]).copy(header, 108);
  const sum = header.reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const manifest = await ours(t, header);
  t.deepEqual(manifest['caf\xe9']?.owner, [0x01000005, 0]);
});

test('whiteouts and opaque directories hide what a lower layer has, in a mounted overlay', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const [lower, upper] = [await temporaryDirectory(t), await temporaryDirectory(t)];
  const directory = { kind: 'directory', mode: 0o755 } as const;
  const file = { kind: 'file' } as const;
  await unpackLayer(
    streamOf(
      archive(
        ...['gone', 'opaque/lower', 'again/lower', 'dir/lower', 'late/lower', 'stays'].map((path) => ({ ...file, path, content: 'lower' })),
      ),
    ),
    lower,
  );
  const entries = [
    { ...file, path: '.wh.gone' },
    { ...directory, path: 'opaque/' },
    { ...file, path: 'opaque/own', content: 'upper' },
    { ...file, path: 'opaque/.wh..wh..opq' },
    { ...file, path: '.wh.again' },
    { ...directory, path: 'again/' },
    { ...directory, path: 'late/' },
    { ...file, path: '.wh.late' },
    { ...file, path: 'dir/.wh.lower' },
    { ...file, path: 'own', content: 'upper' },
    { ...file, path: '.wh.own' },
    { ...file, path: '.wh..wh.plnk' },
  ];
  await unpackLayer(streamOf(archive(...entries)), upper);
  const script = `mount -t overlay -o lowerdir="$1:$0" overlay /mnt && cd /mnt && find . -mindepth 1 | sort`;
  const { stdout } = await execa('unshare', ['-m', 'sh', '-c', script, lower, upper]);
  t.deepEqual(stdout.split('\n'), ['./again', './dir', './late', './opaque', './opaque/own', './own', './stays']);
  t.true((await stat(join(upper, 'gone'))).isCharacterDevice());
});

test("a layer's own notes for overlayfs are only names to it", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const xattrs = [{ name: 'trusted.overlay.redirect', value: Buffer.from('/etc') }];
  const manifest = await ours(t, archive({ kind: 'directory', path: 'd/', mode: 0o755, xattrs }));
  t.deepEqual(manifest.d?.xattrs, { 'trusted.overlay.overlay.redirect': Buffer.from('/etc').toString('hex') });
});

test('of entries with one name the last counts; a directory keeps what is in it', async (t) => {
  const directory = await temporaryDirectory(t);
  const entries: readonly Entry[] = [
    { kind: 'directory', path: 'd/', mode: 0o700 },
    { kind: 'symlink', path: 'd/f', target: '/etc/passwd' },
    { kind: 'directory', path: 'd', mode: 0o751 },
    { kind: 'file', path: 'd/f', content: 'last' },
    { kind: 'hard link', path: 'd/f', target: 'd/f' },
    { kind: 'directory', path: 'x/y/z/', mode: 0o755 },
    { kind: 'file', path: 'x/y/z/f', content: 'inside' },
    { kind: 'file', path: 'x', content: 'again' },
  ];
  await unpackLayer(streamOf(archive(...entries)), directory);
  t.is(await readFile(join(directory, 'd/f'), 'utf8'), 'last');
  t.is((await stat(join(directory, 'd'))).mode & 0o7777, 0o751);
  t.is(await readFile(join(directory, 'x'), 'utf8'), 'again');
});

test('ids are shifted as mapped; one that is not mapped is refused', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const map = [{ containerID: 0, hostID: 100000, size: 1000 }];
  const directory = await temporaryDirectory(t);
  await unpackLayer(streamOf(archive({ kind: 'file', path: 'd/f', uid: 5, gid: 7 })), directory, { uidMap: map, gidMap: map });
  const manifest = await manifestOf(directory);
  t.deepEqual(manifest['d/f']?.owner, [100005, 100007]);
  t.deepEqual(manifest.d?.owner, [100000, 100000]);
  t.is(await outcomeOf(archive({ kind: 'file', path: 'f', uid: 1000 }), await temporaryDirectory(t), { uidMap: map }), 'E_LAYER_ID');
});

test('an aborted unpacking ends with the reason, and leaves the directory empty', async (t) => {
  const directory = await temporaryDirectory(t);
  const controller = new AbortController();
  const header = headersOf({ kind: 'file', path: 'f', size: 1 << 30 });
  async function* endless(): AsyncGenerator<Buffer> {
    yield header;
    for (let count = 0; ; count++) {
      if (count === 20) controller.abort(new Error('enough'));
      yield Buffer.alloc(65536);
    }
  }
  const failure = await t.throwsAsync(unpackLayer(Readable.from(endless()), directory, { signal: controller.signal }));
  t.is(failure?.message, 'enough');
  t.deepEqual(await readdir(directory), []);
});

test('a directory that is none, a link to one, or not empty, is refused and stays as it is', async (t) => {
  const directory = await temporaryDirectory(t);
  t.is(await outcomeOf(archive(), join(directory, 'none')), 'E_FILE');
  await writeFile(join(directory, 'file'), '');
  t.is(await outcomeOf(archive(), join(directory, 'file')), 'E_FILE');
  await mkdir(join(directory, 'real'));
  await execa('ln', ['-s', 'real', join(directory, 'link')]);
  await writeFile(join(directory, 'real', 'kept'), 'kept');
  t.is(await outcomeOf(Buffer.from('no archive'.repeat(60)), join(directory, 'real')), 'E_FILE');
  t.is(await readFile(join(directory, 'real', 'kept'), 'utf8'), 'kept');
  t.is(await outcomeOf(archive(), join(directory, 'link')), 'E_FILE');
});

// A copy of what is made once.
test('who is not root gets all as its own, whiteouts and opaque directories of its own kind, and is told what was left out', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const directory = await temporaryDirectory(t);
  const entries: readonly Entry[] = [
    { kind: 'file', path: 'd/f', uid: 5, gid: 6, mode: 0o4711, content: 'x' },
    { kind: 'file', path: 'd/.wh.gone' },
    { kind: 'file', path: 'd/.wh..wh..opq' },
    { kind: 'character device', path: 'd/null', major: 1, minor: 3 },
    { kind: 'directory', path: 'closed/', mode: 0 },
    { kind: 'file', path: 'closed/f' },
  ];
  await writeFile(join(directory, 'tar'), archive(...entries), { mode: 0o644 });
  await mkdir(join(directory, 'place'));
  await execa('sh', ['-c', 'chmod 755 .; chown 65534:65534 place'], { cwd: directory });
  const script = `import { unpackLayer } from '${new URL('../../../runtime/image/layer/unpack.ts', import.meta.url)}';
    import { createReadStream } from 'node:fs';
    console.log((await unpackLayer(createReadStream('tar'), 'place')).warnings.length);`;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', script], { cwd: directory, uid: 65534, gid: 65534 });
  t.is(stdout, '1');
  const manifest = await manifestOf(join(directory, 'place'));
  t.deepEqual(manifest['d/f']?.owner, [65534, 65534]);
  t.is(manifest['d/f']?.mode, '0o104711');
  t.deepEqual(manifest['d/gone']?.device, [0, 0]);
  t.deepEqual(manifest.d?.xattrs, { 'user.overlay.opaque': '79' });
  t.true('closed/f' in manifest);
});

async function sourceTree(t: ExecutionContext): Promise<string> {
  made ??= mkdtemp(join(tmpdir(), 'krun-layer-source-')).then(async (directory) => {
    await execa('sh', ['-c', sources], { cwd: directory });
    return directory;
  });
  const directory = await temporaryDirectory(t);
  await execa('cp', ['-a', `${await made}/.`, directory]);
  return directory;
}

function gnuArchive(directory: string, options: string): Buffer {
  return execFileSync('tar', ['-C', directory, ...options.split(' '), '-cf', '-', '.'], { maxBuffer: 1 << 28 });
}

async function ours(t: ExecutionContext, tar: Buffer, pieceLength = 65536): ReturnType<typeof manifestOf> {
  const directory = await temporaryDirectory(t);
  const { warnings } = await unpackLayer(streamOf(tar, pieceLength), directory);
  t.deepEqual(warnings, []);
  return manifestOf(directory);
}

async function theirs(t: ExecutionContext, tar: Buffer): ReturnType<typeof manifestOf> {
  const directory = await temporaryDirectory(t);
  await gnuUnpack(tar, directory);
  return manifestOf(directory);
}
