import { dirname, join } from 'node:path';
import { isSet, textOf } from '../../cli/flag-values.ts';
import type { FlagName } from '../../cli/flags.ts';
import { globalOptions } from '../../cli/global-options.ts';
import { usageError } from '../../cli/parse.ts';
import { makeContainerId, requireContainerId } from '../../container/container-id.ts';
import { KrunError } from '../../errors/krun-error.ts';
import { pullImage } from '../../registry/pull.ts';
import { findImage, type Image, readImage } from '../find-image.ts';
import { prepareContainer } from '../prepare.ts';
import { parseReference } from '../reference.ts';
import { lockStore } from '../store.ts';
import { unpackImage } from '../unpacked.ts';
import { wishesOf } from '../wishes.ts';
import { type ImageCall, registryOptions } from './call.ts';

/** `krun run --image IMAGE [ID] [-- PROGRAM…]`: prepares a bundle over the image's layers, and becomes `krun run` of that. */
export async function run(call: ImageCall): Promise<void> {
  const { caller, line, store, progress } = call;
  refuseOthers(call);
  const id = idOf(call);
  const wishes = wishesOf(caller, line);
  const { root } = globalOptions(caller, line);
  const image = await obtainImage(call, textOf(line.flags, 'image') ?? '');
  const prepared = await withLayers(call, image, (layers) =>
    prepareContainer(store, image, layers, { id, stateRoot: root, user: textOf(line.flags, 'user'), wishes }),
  );
  progress.end();
  const { bundle, lowers, upper, work } = prepared;
  const overlay = [...lowers.flatMap((lower) => ['--overlay-lower', lower]), '--overlay-upper', upper, '--overlay-work', work];
  become(call, ['run', ...handedOn(call), '--bundle', bundle, ...overlay, id]);
}

/** From the store, or by --pull from the registry. */
export async function obtainImage(call: ImageCall, text: string): Promise<Image> {
  const { store, line, platform } = call;
  const policy = textOf(line.flags, 'pull');
  if (policy !== 'always') {
    try {
      return await readImage(store, (await findImage(store, text)).descriptor, platform);
    } catch (error) {
      if (policy === 'never' || !(error instanceof KrunError && error.code === 'E_NO_IMAGE')) throw error;
    }
  }
  const { descriptor } = await pullImage(store, parseReference(text), registryOptions(call));
  return readImage(store, descriptor, platform);
}

/** Nothing of the image is removed while this works on its layers. */
export async function withLayers<T>(
  { store, progress }: ImageCall,
  image: Image,
  act: (layers: readonly string[]) => Promise<T>,
): Promise<T> {
  using _use = await lockStore(store, 'use', 'shared');
  return await act(await unpackImage(store, image, progress));
}

function refuseOthers({ line }: ImageCall): void {
  const others: readonly FlagName[] = [
    'bundle',
    'rootfs',
    'ephemeral',
    'overlay-lower',
    'overlay-upper',
    'overlay-work',
    'preserve-fds',
    'print-config',
  ];
  const other = others.find((name) => line.flags.has(name) && !['0'].includes(String(line.flags.get(name))));
  if (other !== undefined) throw usageError(`--image and --${other} exclude each other`);
}

function idOf({ line }: ImageCall): string {
  const [positional] = line.positionals;
  const name = textOf(line.flags, 'name');
  if (positional !== undefined && name !== null) throw usageError('the id stands twice: in --name and as an argument');
  return name === null && positional === undefined ? makeContainerId() : requireContainerId(name ?? positional ?? '');
}

// What is of the container, and not of its configuration.
function handedOn({ line, caller }: ImageCall): string[] {
  const switches: readonly FlagName[] = ['detach', 'init', 'keep', 'print-id', 'timing', 'no-new-keyring', 'no-subreaper'];
  const paths: readonly FlagName[] = ['pid-file', 'console-socket', 'pidfd-socket'];
  return [
    ...switches.filter((name) => isSet(line.flags, name)).map((name) => `--${name}`),
    ...paths.flatMap((name) => {
      const path = textOf(line.flags, name);
      return path === null ? [] : [`--${name}`, path.startsWith('/') ? path : join(caller.cwd, path)];
    }),
  ];
}

// In our stead: the caller's child is the helper that attends to the container.
function become({ caller, line }: ImageCall, args: readonly string[]): never {
  const krun = join(dirname(process.argv[1] ?? ''), '../bin/krun');
  const globals = [...line.globals].map(([name, value]) => `--${name}=${String(value)}`);
  process.execve?.(krun, ['krun', ...globals, ...args], Object.fromEntries(caller.env));
  throw new KrunError('E_INTERNAL', `${krun} cannot be executed`);
}
