import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { textOf } from '../../cli/flag-values.ts';
import { usageError } from '../../cli/parse.ts';
import { writeArchive } from '../archive.ts';
import { findImage } from '../find-image.ts';
import { lockStore } from '../store.ts';
import type { ImageCall } from './call.ts';

/** `krun image save [-o FILE] IMAGE…`: a file that does not appear until it is whole, or standard output, which must be no terminal. */
export async function save({ store, line, caller }: ImageCall, names: readonly string[]): Promise<void> {
  using _use = await lockStore(store, 'use', 'shared');
  const images = [];
  for (const name of names) images.push(await findImage(store, name));
  const docker = textOf(line.flags, 'archive') === 'docker';
  const file = textOf(line.flags, 'output');
  if (file === null) {
    if (caller.terminals[1] === true)
      throw usageError('an archive is nothing for a terminal', 'give --output FILE, or send it through a pipe');
    return await writeArchive(store, images, docker, process.stdout);
  }
  const temporary = `${file}.${process.pid}.new`;
  const output = createWriteStream(temporary, { flags: 'wx', mode: 0o644 });
  try {
    await writeArchive(store, images, docker, output);
    output.end();
    await finished(output);
    renameSync(temporary, file);
  } catch (error) {
    output.destroy();
    rmSync(temporary, { force: true });
    throw error;
  }
}
