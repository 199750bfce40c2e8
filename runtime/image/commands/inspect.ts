import { findImage, readImage } from '../find-image.ts';
import { type ImageCall, printJson } from './call.ts';

/** `krun image inspect IMAGE`: what is known of it, as JSON. */
export async function inspect(call: ImageCall, [text = '']: readonly string[]): Promise<void> {
  const found = await findImage(call.store, text);
  const { descriptor, manifest, config } = await readImage(call.store, found.descriptor, call.platform);
  printJson({
    name: found.name,
    digest: found.descriptor.digest,
    mediaType: found.descriptor.mediaType,
    platformManifest: descriptor.digest,
    id: manifest.config.digest,
    layers: manifest.layers,
    config,
  });
}
