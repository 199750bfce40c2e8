import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../../cli/flag-values.ts';
import { extractArchive } from '../archive.ts';
import { importLayout } from '../import-layout.ts';
import { lockStore } from '../store.ts';
import { type ImageCall, printJson, printLine } from './call.ts';

/** `krun image load [-i FILE]`: the images of an archive; their names on standard output. */
export async function load({ store, line, wantsJson }: ImageCall): Promise<void> {
  using _use = await lockStore(store, 'use', 'shared');
  const file = textOf(line.flags, 'input');
  const temporary = mkdtempSync(join(store.directory, 'ingest/load-'));
  try {
    await extractArchive(file === null ? process.stdin : createReadStream(file), temporary);
    const images = await importLayout(store, temporary);
    if (wantsJson) printJson(images);
    else for (const { name, digest } of images) printLine(name ?? digest);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
