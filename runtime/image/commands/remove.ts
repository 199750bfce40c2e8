import { isSet } from '../../cli/flag-values.ts';
import { KrunError } from '../../errors/krun-error.ts';
import { collect } from '../collect.ts';
import { findImage } from '../find-image.ts';
import { changeImages } from '../index-file.ts';
import type { ImageCall } from './call.ts';
import { printLine } from './call.ts';

/** `krun image rm IMAGE…`: takes names away; by a digest or id, all names of that image. What nothing needs any more goes. */
export async function remove({ store, line }: ImageCall, names: readonly string[]): Promise<void> {
  for (const text of names) {
    try {
      const found = await findImage(store, text);
      const isByDigest = /^(?:sha256:)?[0-9a-f]{4,64}$/.test(text);
      await changeImages(store, (images) =>
        images.filter(({ name, descriptor }) => descriptor.digest !== found.descriptor.digest || (!isByDigest && name !== found.name)),
      );
      printLine(found.name ?? found.descriptor.digest);
    } catch (error) {
      if (!(error instanceof KrunError && error.code === 'E_NO_IMAGE' && isSet(line.flags, 'force'))) throw error;
    }
  }
  await collect(store);
}
