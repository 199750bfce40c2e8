import { pushImage } from '../../registry/push.ts';
import { findImage } from '../find-image.ts';
import { formatReference, parseReference } from '../reference.ts';
import { type ImageCall, printJson, printLine, registryOptions } from './call.ts';

/** `krun push IMAGE [DESTINATION]`: the digest of what was pushed on standard output. */
export async function push(call: ImageCall): Promise<void> {
  const [source = '', destination] = call.line.positionals;
  const image = await findImage(call.store, source);
  const target = parseReference(destination ?? image.name ?? source);
  try {
    const { digest } = await pushImage(call.store, image, target, registryOptions(call));
    if (call.wantsJson) printJson({ name: formatReference(target), digest });
    else printLine(digest);
  } finally {
    call.progress.end();
  }
}
