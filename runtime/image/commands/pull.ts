import { pullImage } from '../../registry/pull.ts';
import { parseReference } from '../reference.ts';
import { type ImageCall, printJson, printLine, registryOptions } from './call.ts';

/** `krun pull IMAGE`: the digest of the manifest on standard output. */
export async function pull(call: ImageCall): Promise<void> {
  const reference = parseReference(call.line.positionals[0] ?? '');
  try {
    const { name, descriptor } = await pullImage(call.store, reference, registryOptions(call));
    if (call.wantsJson) printJson({ name, digest: descriptor.digest, mediaType: descriptor.mediaType });
    else printLine(descriptor.digest);
  } finally {
    call.progress.end();
  }
}
