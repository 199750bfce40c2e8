// What only a kernel that tracks dirty memory can do (CONFIG_MEM_SOFT_DIRTY; that of the test VM does).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { assertUnbroken, hasCriuFeature, lacksCriu, startCounter, stateOf } from '../support/criu.ts';
import { skipUnless } from '../support/skip.ts';

test('--pre-dump writes the memory of a container that runs on, for --parent-path', async (t) => {
  if (lacksCriu(t) || skipUnless(t, "the kernel's CONFIG_MEM_SOFT_DIRTY", hasCriuFeature('mem_dirty_track'))) return;
  const { bundle, images, krun, nextCount, output } = await startCounter(t);
  t.like(await krun(['checkpoint', '--pre-dump', '--image-path', join(images, 'one'), bundle.id]), { status: 0, stderr: '' });
  t.is((await stateOf(bundle.id)).status, 'running');
  await nextCount();
  await mkdir(join(images, 'two'));
  const last = ['checkpoint', '--parent-path', '../one', '--image-path', join(images, 'two'), bundle.id];
  t.like(await krun(last), { status: 0, stderr: '' });
  t.like(await krun(['restore', '--image-path', join(images, 'two'), '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' });
  await nextCount();
  await assertUnbroken(t, output);
});

test('where the kernel cannot track memory, --pre-dump says what it lacks, and the container runs on', async (t) => {
  if (lacksCriu(t) || skipUnless(t, 'a kernel without CONFIG_MEM_SOFT_DIRTY', !hasCriuFeature('mem_dirty_track'))) return;
  const { bundle, images, krun, nextCount } = await startCounter(t);
  const refused = await krun(['checkpoint', '--pre-dump', '--image-path', images, bundle.id]);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /code: E_CHECKPOINT/);
  t.regex(refused.stderr, /CONFIG_MEM_SOFT_DIRTY/);
  await nextCount();
});
