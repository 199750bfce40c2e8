import { isSet } from '../../cli/flag-values.ts';
import { KrunError } from '../../errors/krun-error.ts';
import { readImage } from '../find-image.ts';
import { listImages, type StoredImage } from '../index-file.ts';
import { humanBytes, short } from '../progress.ts';
import { type ImageCall, printJson, printLine } from './call.ts';

/** `krun image ls`: a table, JSON, or digests alone. A damaged image is listed, with what is known of it. */
export async function list(call: ImageCall): Promise<void> {
  const rows = await Promise.all(listImages(call.store).map((image) => describe(call, image)));
  rows.sort((a, b) => (a.name ?? '~').localeCompare(b.name ?? '~', 'en'));
  if (call.wantsJson) return printJson(rows);
  if (isSet(call.line.flags, 'quiet')) return [...new Set(rows.map(({ digest }) => digest))].forEach(printLine);
  const table = [['NAME', 'DIGEST', 'ID', 'CREATED', 'SIZE'], ...rows.map(cells)];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table)
    printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

interface Row {
  readonly name: string | null;
  readonly digest: string;
  readonly id: string | null;
  readonly created: string | null;
  /** Bytes of the blobs for this platform, packed as they are. */
  readonly size: number | null;
}

async function describe({ store, platform }: ImageCall, { name, descriptor }: StoredImage): Promise<Row> {
  const row = { name, digest: descriptor.digest, id: null, created: null, size: null };
  try {
    const { manifest, config } = await readImage(store, descriptor, platform);
    const size = manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size);
    return { ...row, id: manifest.config.digest, created: config.created, size };
  } catch (error) {
    if (error instanceof KrunError) return row;
    throw error;
  }
}

function cells({ name, digest, id, created, size }: Row): string[] {
  return [
    name ?? '<none>',
    short(digest),
    id === null ? '-' : short(id),
    created?.slice(0, 10) ?? '-',
    size === null ? 'damaged, or for another platform' : humanBytes(size),
  ];
}
