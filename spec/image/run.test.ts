import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { isRoot } from '../support/change-config.ts';
import { type KrunResult, runKrun } from '../support/krun.ts';
import { hasSkopeo, type LayoutOptions, makeLayout, makeTemporary } from '../support/registry.ts';
import { skipUnless } from '../support/skip.ts';

interface Loaded {
  readonly storage: string;
  readonly run: (...args: readonly string[]) => Promise<KrunResult>;
  readonly image: (...args: readonly string[]) => Promise<KrunResult>;
}

/** An image `test:1` in a store of its own: the root file system of the test bundles, and layers above it. */
async function loadImage(t: ExecutionContext, options: LayoutOptions = {}): Promise<Loaded> {
  const { rootfs } = await makeBundle(t);
  const layout = await makeLayout(t, { base: rootfs, layers: [], tag: 'localhost/test:1', ...options });
  const storage = await makeTemporary(t);
  const image = (...args: readonly string[]) => runKrun(['image', ...args, '--storage', storage]);
  const { stdout } = await execa('tar', ['-C', layout, '-cf', '-', '.'], { encoding: 'buffer' });
  const loaded = await runKrun(['image', 'load', '--storage', storage], { stdin: undefined as never, input: stdout });
  t.is(loaded.stdout, 'localhost/test:1', loaded.stderr);
  return { storage, image, run: (...args) => runKrun(['run', '--storage', storage, '--image', 'localhost/test:1', ...args]) };
}

async function nothingPrepared(t: ExecutionContext, storage: string): Promise<void> {
  t.deepEqual(await readdir(join(storage, 'containers')).catch(() => []), []);
}

test('a container of an image is who and where the image says, and nothing of it is left', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, storage } = await loadImage(t, {
    config: { User: 'tester', WorkingDir: '/home/tester', Entrypoint: ['/bin/sh', '-c'], Cmd: ['id; pwd; echo $COLOR $HOME'] },
  });
  const { status, stdout, stderr } = await run();
  t.is(status, 0, stderr);
  t.deepEqual(stdout.split('\n'), ['uid=1000(tester) gid=1000(tester)', '/home/tester', 'blue /home/tester']);
  await nothingPrepared(t, storage);
});

test('flags and a program change what the image says', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, storage } = await loadImage(t);
  const { status, stdout, stderr } = await run(
    '-e',
    'COLOR=red',
    '-w',
    '/tmp',
    '-u',
    '7:8',
    '--rm',
    '--',
    '/bin/sh',
    '-c',
    'echo $COLOR; pwd; id -u; id -g; exit 3',
  );
  t.is(status, 3, stderr);
  t.is(stdout, 'red\n/tmp\n7\n8');
  await nothingPrepared(t, storage);
});

test('what a container writes is in no layer, and gone with it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, storage } = await loadImage(t, { layers: [{ 'etc/hosts': 'of the image\n' }] });
  const first = await run('--', '/bin/sh', '-c', 'cat /etc/hosts; echo changed > /etc/hosts; cat /etc/hosts');
  t.is(first.stdout, 'of the image\nchanged', first.stderr);
  const second = await run('--', '/bin/cat', '/etc/hosts');
  t.is(second.stdout, 'of the image', second.stderr);
  await nothingPrepared(t, storage);
});

test('the process inherits no blocked or ignored signal from the programs before it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run } = await loadImage(t);
  const { stdout, stderr } = await run('--', '/bin/cat', '/proc/self/status');
  t.regex(stdout, /^SigBlk:\t0+$/m, stderr);
  t.regex(stdout, /^SigIgn:\t0+$/m);
});

test('a user that the image does not know is refused, and nothing is left', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, storage } = await loadImage(t);
  const { status, stderr } = await run('-u', 'nobody-here');
  t.is(status, 1);
  t.regex(stderr, /there is no user "nobody-here" in the image's \/etc\/passwd/);
  t.regex(stderr, /code: E_IMAGE/);
  await nothingPrepared(t, storage);
});

test('a start that fails leaves nothing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, storage } = await loadImage(t);
  const { status, stderr } = await run('--', '/no/such/program');
  t.not(status, 0);
  t.regex(stderr, /code: E_NOT_FOUND/);
  await nothingPrepared(t, storage);
});

test('images share the layers that they have in common, and rm and prune remove those that no image needs', async (t) => {
  if (skipUnless(t, 'root and skopeo', isRoot && hasSkopeo)) return;
  const { run, storage, image } = await loadImage(t, { layers: [{ one: '1\n' }] });
  await run('--', '/bin/true');
  const layers = async () => (await readdir(join(storage, 'layers'))).length;
  t.is(await layers(), 2);
  await image('tag', 'localhost/test:1', 'localhost/other:1');
  await image('rm', 'localhost/test:1');
  t.is(await layers(), 2);
  const removed = await image('rm', 'localhost/other:1');
  t.is(removed.status, 0, removed.stderr);
  t.is(await layers(), 0);
  t.deepEqual(await readdir(join(storage, 'blobs/sha256')), []);
});

test('a detached container keeps what was prepared until it is deleted', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { storage, image } = await loadImage(t);
  const id = `test-image-${process.pid}-${Math.floor(Math.random() * 1e9)}`;
  t.teardown(() => runKrun(['delete', '--force', id]));
  const args = ['run', '--storage', storage, '--image', 'localhost/test:1', '-d', '--name', id, '--', '/bin/sleep', '1000'];
  const started = await runKrun(args, { stdio: 'ignore' });
  t.is(started.status, 0);
  t.true(existsSync(join(storage, 'containers', id)));
  const pruned = await image('prune');
  t.is(pruned.status, 0, pruned.stderr);
  const inside = await runKrun(['exec', id, '/bin/cat', '/etc/hosts']);
  t.is(inside.stdout, '127.0.0.1 localhost', inside.stderr);
  t.is((await runKrun(['delete', '--force', id])).status, 0);
  await nothingPrepared(t, storage);
});

test('what is saved can be loaded elsewhere, by skopeo too', async (t) => {
  if (skipUnless(t, 'skopeo', hasSkopeo)) return;
  const { image, storage } = await loadImage(t, { layers: [{ one: '1\n' }] });
  const file = join(storage, 'saved.tar');
  const saved = await image('save', '-o', file, 'localhost/test:1');
  t.is(saved.status, 0, saved.stderr);
  const other = await makeTemporary(t);
  const loaded = await runKrun(['image', 'load', '-i', file, '--storage', other]);
  t.is(loaded.stdout, 'localhost/test:1', loaded.stderr);
  t.is(
    await readFile(join(other, 'index.json'), 'utf8').then((text) => JSON.parse(text).manifests[0].digest),
    JSON.parse(await readFile(join(storage, 'index.json'), 'utf8')).manifests[0].digest,
  );
  await execa('skopeo', ['--insecure-policy', 'copy', `docker-archive:${file}`, `oci:${join(other, 'from-docker')}:x`]);
  const docker = join(storage, 'docker.tar');
  await execa('skopeo', [
    '--insecure-policy',
    'copy',
    `oci-archive:${file}:localhost/test:1`,
    `docker-archive:${docker}:localhost/again:2`,
  ]);
  const again = await runKrun(['image', 'load', '-i', docker, '--storage', other]);
  t.is(again.stdout, 'localhost/again:2', again.stderr);
});

test('an archive that leads elsewhere is refused', async (t) => {
  const directory = await makeTemporary(t);
  const file = join(directory, 'bad.tar');
  await execa('tar', ['-C', '/etc', '--transform', 's,^,../../,', '-P', '-cf', file, 'hostname']);
  const loaded = await runKrun(['image', 'load', '-i', file, '--storage', join(directory, 'store')]);
  t.is(loaded.status, 1);
  t.regex(loaded.stderr, /code: E_IMAGE/);
});
