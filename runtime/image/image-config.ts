// The configuration of an image (image-spec config.md; Docker's is the same), read and bounded.
import { type Digest, damaged, isDigest, readObject, readTexts } from './descriptor.ts';
import { mediaTypes, parseDocument } from './manifest.ts';

export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;
  readonly author: string | null;
  /** RFC 3339. */
  readonly created: string | null;
  /** Of the uncompressed layers, the base first. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
  readonly workingDir: string;
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string | null;
}

export interface HistoryEntry {
  readonly created: string | null;
  readonly createdBy: string;
  readonly comment: string;
  readonly isEmpty: boolean;
}

/** E_IMAGE for what is no image's configuration, such as an artifact's. */
export function parseImageConfig(content: Uint8Array, mediaType: string): ImageConfig {
  if (mediaType !== mediaTypes.config && mediaType !== mediaTypes.dockerConfig)
    throw damaged(`${mediaType} is no configuration of an image`);
  const document = readObject(parseDocument(content), 'the configuration');
  const rootfs = readObject(document.rootfs, '/rootfs');
  if (rootfs.type !== 'layers') throw damaged('/rootfs/type must be "layers"');
  const config = readObject(document.config ?? {}, '/config');
  return {
    os: text(document.os, '/os') ?? '',
    architecture: text(document.architecture, '/architecture') ?? '',
    variant: text(document.variant, '/variant'),
    author: text(document.author, '/author'),
    created: text(document.created, '/created'),
    diffIds: readDiffIds(rootfs.diff_ids),
    history: Array.isArray(document.history) ? document.history.map(readHistory) : [],
    user: text(config.User, '/config/User') ?? '',
    env: texts(config.Env, '/config/Env') ?? [],
    entrypoint: texts(config.Entrypoint, '/config/Entrypoint'),
    cmd: texts(config.Cmd, '/config/Cmd'),
    workingDir: text(config.WorkingDir, '/config/WorkingDir') ?? '',
    exposedPorts: keys(config.ExposedPorts, '/config/ExposedPorts'),
    volumes: keys(config.Volumes, '/config/Volumes'),
    labels: config.Labels === undefined || config.Labels === null ? {} : readTexts(config.Labels, '/config/Labels'),
    stopSignal: text(config.StopSignal, '/config/StopSignal'),
  };
}

/** chainID of each layer (config.md#layer-chainid), the base first. */
export function chainIds(diffIds: readonly Digest[], hash: (text: string) => Digest): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : hash(`${below} ${diffId}`));
  }
  return chain;
}

function readDiffIds(value: unknown): readonly Digest[] {
  if (!Array.isArray(value)) throw damaged('/rootfs/diff_ids must be a list');
  return value.map((entry: unknown, index) => {
    if (!isDigest(entry)) throw damaged(`/rootfs/diff_ids/${index} must be a digest`);
    return entry;
  });
}

function readHistory(value: unknown, index: number): HistoryEntry {
  const entry = readObject(value, `/history/${index}`);
  return {
    created: text(entry.created, `/history/${index}/created`),
    createdBy: text(entry.created_by, `/history/${index}/created_by`) ?? '',
    comment: text(entry.comment, `/history/${index}/comment`) ?? '',
    isEmpty: entry.empty_layer === true,
  };
}

function text(value: unknown, place: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' || value.includes('\0')) throw damaged(`${place} must be a string`);
  return value;
}

function texts(value: unknown, place: string): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw damaged(`${place} must be a list`);
  return value.map((entry, index) => text(entry, `${place}/${index}`) ?? '');
}

function keys(value: unknown, place: string): readonly string[] {
  return value === undefined || value === null ? [] : Object.keys(readObject(value, place)).sort();
}
