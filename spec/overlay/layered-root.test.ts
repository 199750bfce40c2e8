import test from 'ava';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { type LayerRequest, layeredRoot } from '../../runtime/overlay/layered-root.ts';

const plain: LayerRequest = { ephemeral: false, overlay: null };

function overlay(upper: string | null, work: string | null, lowers: readonly string[] = []): LayerRequest {
  return { ephemeral: false, overlay: { lowers, upper, work } };
}

test('without a request the root has no layers', (t) => {
  t.is(layeredRoot('/rootfs', plain), null);
});

test('--ephemeral is the root with memory above', (t) => {
  t.deepEqual(layeredRoot('/rootfs', { ...plain, ephemeral: true }), { lowers: [], writable: null, size: 0n });
  t.deepEqual(layeredRoot('/rootfs', { ...plain, ephemeral: true, size: 5n }), { lowers: [], writable: null, size: 5n });
});

test('lower directories lie below the root, and may be had with memory above', (t) => {
  t.deepEqual(layeredRoot('/rootfs', overlay(null, null, ['/a/', '/b/../c'])), { lowers: ['/a', '/c'], writable: null, size: 0n });
  t.deepEqual(layeredRoot('/rootfs', { ...overlay(null, null, ['/a']), ephemeral: true }), { lowers: ['/a'], writable: null, size: 0n });
});

test('upper and work directories keep what is written', (t) => {
  t.deepEqual(layeredRoot('/rootfs', overlay('/l/upper', '/l/work', ['/a'])), {
    lowers: ['/a'],
    writable: { upper: '/l/upper', work: '/l/work' },
    size: 0n,
  });
});

const refused: Readonly<Record<string, LayerRequest>> = {
  'an upper directory without a work directory': overlay('/u', null),
  'a work directory without an upper directory': overlay(null, '/w'),
  'a work directory in the upper one': overlay('/u', '/u/work'),
  'an upper directory in the work one': overlay('/w/upper', '/w'),
  'one directory for both': overlay('/u', '/x/../u'),
  'an upper directory in the root': overlay('/rootfs/upper', '/work'),
  'an upper directory around the root': overlay('/', '/work'),
  'the root as upper directory': overlay('/rootfs', '/work'),
  'a work directory in the root': overlay('/upper', '/rootfs/work'),
  'an upper directory in a lower one': overlay('/a/upper', '/work', ['/a']),
  'a layer twice': overlay(null, null, ['/a', '/a/.']),
  'the root as a lower directory': overlay(null, null, ['/rootfs/']),
  'a lower directory without a name': overlay(null, null, ['']),
  'an upper directory together with --ephemeral': { ...overlay('/u', '/w'), ephemeral: true },
};

for (const [title, request] of Object.entries(refused)) {
  test(`${title} is refused with E_USAGE`, (t) => {
    t.is(t.throws(() => layeredRoot('/rootfs', request), { instanceOf: KrunError })?.code, 'E_USAGE');
  });
}

test('names that only begin alike do not overlap', (t) => {
  t.notThrows(() => layeredRoot('/rootfs', overlay('/rootfs-upper', '/rootfs-work', ['/rootfs-lower'])));
});
