// containers/<id>: what `run --image` makes for one container, a bundle with a layer of its own to write to. The container's poststop
// hook removes it; what a crash before the start has left, the next `run --image` or `image prune` does.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stringifyConfig } from '../config/stringify.ts';
import { describeProcess, readLivingProcess } from '../container/stored-state.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Image } from './find-image.ts';
import { resolveUser } from './image-user.ts';
import { type ContainerWishes, runtimeConfig } from './runtime-config.ts';
import { lockStore, replaceFile, type Store, storeAccess } from './store.ts';

export interface Prepared {
  readonly bundle: string;
  /** Topmost first, without the topmost itself, which is the root of config.json. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
}

export interface PrepareOptions {
  readonly id: string;
  /** Where the container's state will be. */
  readonly stateRoot: string;
  readonly user: string | null;
  readonly wishes: Omit<ContainerWishes, 'removes'>;
}

/** `layers`: their directories, the base first. E_ID_EXISTS when there is one of this id. */
export async function prepareContainer(
  store: Store,
  image: Image,
  layers: readonly string[],
  { id, stateRoot, user, wishes }: PrepareOptions,
): Promise<Prepared> {
  using _lock = await lockStore(store, 'containers', 'exclusive');
  sweep(store);
  const bundle = join(store.directory, 'containers', id);
  return storeAccess(bundle, () => {
    mkdirSync(join(store.directory, 'containers'), { recursive: true, mode: 0o700 });
    claim(bundle, id);
    try {
      replaceFile(join(bundle, ownerFile), JSON.stringify({ state: join(stateRoot, id), layers }));
      replaceFile(join(bundle, processFile), describeProcess(process.pid));
      const [upper, work, empty] = ['upper', 'work', 'empty'].map((name) => join(bundle, name)) as [string, string, string];
      for (const directory of [upper, work, empty]) mkdirSync(directory, { mode: 0o755 });
      const below = layers.length === 0 ? [empty] : [...layers].reverse();
      const config = runtimeConfig(image.config, resolveUser(user ?? image.config.user, layers), below[0] ?? empty, {
        ...wishes,
        removes: bundle,
      });
      replaceFile(join(bundle, 'config.json'), stringifyConfig(config));
      return { bundle, lowers: below.slice(1), upper, work };
    } catch (error) {
      rmSync(bundle, { recursive: true, force: true });
      throw error;
    }
  });
}

/** Removes what belongs to no container any more; returns the layers that the others need. */
export async function sweepContainers(store: Store): Promise<ReadonlySet<string>> {
  using _lock = await lockStore(store, 'containers', 'exclusive');
  return sweep(store);
}

function sweep(store: Store): ReadonlySet<string> {
  const folder = join(store.directory, 'containers');
  const needed = new Set<string>();
  for (const id of existsSync(folder) ? readdirSync(folder) : []) {
    const owner = readOwner(join(folder, id));
    if (owner === null || isAbandoned(join(folder, id), owner)) rmSync(join(folder, id), { recursive: true, force: true });
    else for (const layer of owner.layers) needed.add(layer);
  }
  return needed;
}

const ownerFile = 'owner.json';
const processFile = 'process';

interface Owner {
  readonly state: string;
  readonly layers: readonly string[];
}

function claim(bundle: string, id: string): void {
  try {
    mkdirSync(bundle, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new KrunError('E_ID_EXISTS', `container with given ID already exists: ${id}`, {
      hint: 'krun delete removes it, or choose another id',
    });
  }
}

function readOwner(bundle: string): Owner | null {
  try {
    return JSON.parse(readFileSync(join(bundle, ownerFile), 'utf8')) as Owner;
  } catch {
    return null;
  }
}

// The helper is the process that prepared: it lives until the container is gone, or, detached, there is a state.
function isAbandoned(bundle: string, { state }: Owner): boolean {
  return !existsSync(state) && readLivingProcess(join(bundle, processFile)) === null;
}
