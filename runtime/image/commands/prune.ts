import { collect } from '../collect.ts';
import { changeImages } from '../index-file.ts';
import { humanBytes } from '../progress.ts';
import { type ImageCall, printJson, printLine } from './call.ts';

/** `krun image prune`: removes images without a name, and all blobs, layers, half transfers and prepared containers that nothing needs. */
export async function prune(call: ImageCall): Promise<void> {
  await changeImages(call.store, (images) => images.filter(({ name }) => name !== null));
  const { removed, bytes } = await collect(call.store);
  if (call.wantsJson) return printJson({ removed, bytes });
  for (const path of removed) printLine(path);
  printLine(`${humanBytes(bytes)} freed`);
}
