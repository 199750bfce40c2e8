import { findImage, readImage } from '../find-image.ts';
import { humanBytes } from '../progress.ts';
import { type ImageCall, printJson, printLine } from './call.ts';

/** `krun image history IMAGE`: how it came about, the latest step first. */
export async function history(call: ImageCall, [text = '']: readonly string[]): Promise<void> {
  const { descriptor } = await findImage(call.store, text);
  const { manifest, config } = await readImage(call.store, descriptor, call.platform);
  const layers = [...manifest.layers];
  const steps = config.history.map(({ created, createdBy, comment, isEmpty }) => ({
    created,
    createdBy,
    comment,
    size: isEmpty ? 0 : (layers.shift()?.size ?? 0),
  }));
  const all = [...steps, ...layers.map(({ size }) => ({ created: null, createdBy: '', comment: '', size }))].reverse();
  if (call.wantsJson) return printJson(all);
  printLine(`${'CREATED'.padEnd(20)}  ${'SIZE'.padStart(9)}  CREATED BY`);
  for (const { created, createdBy, comment, size } of all)
    printLine(`${(created ?? '-').slice(0, 19).padEnd(20)}  ${humanBytes(size).padStart(9)}  ${printable(createdBy || comment)}`);
}

// Whoever made the image wrote this: it must not reach the terminal as an escape sequence.
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}
