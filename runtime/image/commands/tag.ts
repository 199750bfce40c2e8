import { findImage, newName } from '../find-image.ts';
import { nameImage } from '../index-file.ts';
import { lockStore } from '../store.ts';
import type { ImageCall } from './call.ts';

/** `krun image tag IMAGE NAME`: one more name for it; what had that name before loses it. */
export async function tag({ store }: ImageCall, [source = '', name = '']: readonly string[]): Promise<void> {
  using _use = await lockStore(store, 'use', 'shared');
  const { descriptor } = await findImage(store, source);
  await nameImage(store, newName(name), descriptor);
}
