// The images that a VM boots from, in a cache outside of the tree: a fresh clone finds them again.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** Holds root.img, vmlinuz, initrd, key and known_hosts. */
export type ImageDirectory = string;

export const project = fileURLToPath(new URL('../..', import.meta.url));
const recipe = ['build-image', 'provision', 'guest-packages', 'guest.service', 'guest-start', 'initrd-init'];

/** The image of this recipe, made first if it is not there: some minutes, and the network that apt has. */
export async function ensureImage(): Promise<ImageDirectory> {
  const directory = join(cache(), `image-${digestOf(recipe.map((name) => here(name)))}`);
  if (existsSync(directory)) return directory;
  return await makeOnce(directory, async (part) => {
    console.error(`vm: making the image in ${directory}`);
    await execa(here('build-image'), [part], { stdio: ['ignore', 'inherit', 'inherit'] });
  });
}

/** A file system with the npm dependencies that tests load, and Node. */
export async function ensureDependencies(): Promise<string> {
  const lock = join(project, 'node_modules/.package-lock.json');
  const file = join(cache(), `dependencies-${digestOf([join(project, 'package-lock.json'), lock, here('pack-dependencies')])}`);
  if (existsSync(file)) return file;
  return await makeOnce(file, async (part) => {
    await execa(here('pack-dependencies'), [part], { cwd: project, stdio: ['ignore', 'inherit', 'inherit'] });
  });
}

/** Where images are kept: $XDG_CACHE_HOME/krun/vm, or ~/.cache/krun/vm. */
export function cache(): string {
  const directory = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'krun/vm');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

// Under a name of its own until it is whole; the older ones of its kind then go, but for the latest, which another tree may use.
async function makeOnce(path: string, make: (part: string) => Promise<void>): Promise<string> {
  const part = `${path}.${process.pid}.part`;
  try {
    await make(part);
    if (existsSync(path)) return path; // somebody else was quicker
    renameSync(part, path);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  const kind = join(dirname(path), path.slice(dirname(path).length + 1).split('-')[0] ?? '');
  const older = readdirSync(dirname(path))
    .map((name) => join(dirname(path), name))
    .filter((other) => other.startsWith(`${kind}-`) && other !== path && !other.endsWith('.part'))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const other of older.slice(1)) rmSync(other, { recursive: true, force: true });
  return path;
}

function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
