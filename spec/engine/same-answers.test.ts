// The small engine and Node run the same TypeScript; here they are asked the same, and must answer alike, byte for byte.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { headerLength } from '../../runtime/channel/frame.ts';
import { answer } from '../../runtime/supervisor/answer.ts';
import { ask, captureRequest } from '../support/ask.ts';
import { skipUnless } from '../support/skip.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const configs = fileURLToPath(new URL('../fixtures/configs/', import.meta.url));
const hasEngine = existsSync(join(dist, 'engine'));

test('every configuration of the library is planned alike', async (t) => {
  if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
  for (const name of (await readdir(configs)).sort()) {
    const bundle = await bundleOf(t, await readFile(join(configs, name)));
    await same(t, name, ['run', '--bundle', bundle, 'same']);
    await same(t, name, ['create', '--pid-file', 'pid', '--bundle', bundle, 'same']);
  }
});

const documents: Readonly<Record<string, string | Uint8Array>> = {
  nothing: '',
  'no JSON': '{"ociVersion": "1.2.0",',
  'a key that stands twice': '{"ociVersion":"1.2.0","ociVersion":"1.2.0"}',
  'bytes that are not UTF-8': Buffer.from('{"ociVersion":"1.2.0","hostname":"\xff"}', 'latin1'),
  'overlong UTF-8': Buffer.from('{"hostname":"\xc0\xaf"}', 'latin1'),
  'a surrogate in UTF-8': Buffer.from('{"hostname":"\xed\xa0\x80"}', 'latin1'),
  'a lone surrogate': '{"ociVersion":"1.2.0","hostname":"\\ud800"}',
  'a byte order mark': '\ufeff{"ociVersion":"1.2.0"}',
  'deep nesting': '['.repeat(100_000),
  'deeper than is read': `{"annotations":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`,
  'numbers beyond 2^53': '{"ociVersion":"1.2.0","linux":{"resources":{"memory":{"limit":9223372036854775808}}}}',
  'wrong types everywhere': '{"ociVersion":1,"process":[],"root":"x","mounts":{},"linux":null,"hooks":7}',
  'letters of many scripts':
    '{"ociVersion":"1.2.0","process":{"cwd":"/ü/漢字/🦀","args":["é"],"user":{"uid":0,"gid":0}},"root":{"path":"rootfs"}}',
  'a large file': JSON.stringify({
    ociVersion: '1.2.0',
    annotations: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key${i}`, 'x'.repeat(50)])),
  }),
};

for (const [name, document] of Object.entries(documents)) {
  test(`config.json with ${name} is refused or planned alike`, async (t) => {
    if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
    const bundle = await bundleOf(t, document);
    await same(t, name, ['run', '--bundle', bundle, 'same']);
    await same(t, name, ['--log-format', 'json', '--log', join(bundle, 'log'), 'create', '--bundle', bundle, 'same']);
  });
}

test('other commands, and calls that are wrong, are answered alike', async (t) => {
  if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
  const calls = [
    ['state', 'absent'],
    ['kill', 'absent', 'KILL'],
    ['delete', '--force', 'absent'],
    ['start', 'absent'],
    ['exec', 'absent', 'sh'],
    ['pause', 'absent'],
    ['update', '--memory', '1G', 'absent'],
    ['events', '--stats', 'absent'],
    ['ps', 'absent'],
    ['list', '--format', 'json'],
    ['run'],
    ['run', '--no-such-flag', 'x'],
    ['run', '/no/such/bundle'],
    ['run', '--bundle', '/dev/null', 'x'],
    ['kill', '../../etc', 'TERM'],
    ['no-such-command'],
    ['gc'],
    ['wait', 'ä'],
  ];
  const root = await mkdtemp(join(tmpdir(), 'krun-same-'));
  t.teardown(() => rm(root, { recursive: true }));
  for (const call of calls) await same(t, call.join(' '), ['--root', root, ...call]);
});

test('variables and arguments that are not UTF-8 are taken alike', async (t) => {
  if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
  const request = await captureRequest(['run', '--bundle', 'XXXX', 'same'], { SOME: 'YYYYY' });
  for (const [place, bytes] of [
    ['XXXX', [0x2f, 0xff, 0xfe, 0x2f]],
    ['YYYYY', [0xf0, 0x9f, 0xa6, 0xc3, 0x28]],
  ] as const) {
    const changed = Buffer.from(request);
    changed.set(bytes, changed.indexOf(place));
    await sameAnswer(t, place, changed);
  }
});

test('what needs a whole Node is answered by one', async (t) => {
  if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
  for (const call of [['--help'], ['run', '--help'], ['spec'], ['features']]) await same(t, call.join(' '), call);
});

test('the engine says what is wrong with a request that is none', async (t) => {
  if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
  const { frame, stderr } = await ask([join(dist, 'engine'), dist], Buffer.from('not a frame at all, but long enough'));
  t.is(frame.length, 0);
  t.regex(stderr, /the request|begin as one of krun/);
});

async function bundleOf(t: ExecutionContext, config: string | Uint8Array): Promise<string> {
  const bundle = await mkdtemp(join(tmpdir(), `krun-same-${randomBytes(4).toString('hex')}-`));
  t.teardown(() => rm(bundle, { recursive: true }));
  await mkdir(join(bundle, 'rootfs'));
  await writeFile(join(bundle, 'config.json'), config);
  return bundle;
}

async function same(t: ExecutionContext, name: string, args: readonly string[]): Promise<void> {
  await sameAnswer(t, name, await captureRequest(args, { PATH: '/bin', HOME: '/root' }));
}

async function sameAnswer(t: ExecutionContext, name: string, request: Buffer): Promise<void> {
  const { frame, stderr } = await ask([join(dist, 'engine'), dist], request);
  const expected = await answer(request.subarray(headerLength));
  t.is(stderr, '', name);
  t.is(withoutTimes(frame), withoutTimes(expected), name);
}

// A container's time of creation, and a log line's.
function withoutTimes(frame: Uint8Array): string {
  return Buffer.from(frame)
    .toString('latin1')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => 'T'.repeat(time.length));
}
