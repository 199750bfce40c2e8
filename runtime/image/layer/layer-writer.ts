// An archive's entries as what is to be made of them, in the form that overlayfs wants for one of its directories (PROTOCOLS: image-spec's
// layer.md; Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"). Kept of it are its directories, by name: their
// attributes are set when all is in them, and a whiteout means another thing beside a directory of the same layer.
import { KrunError } from '../../errors/krun-error.ts';
import { type IdMapping, idMapper } from './id-map.ts';
import { layerPath, readable } from './layer-path.ts';
import { type RecordWriter, recordFlag, recordType, type TreeRecord, type TreeXattr } from './records.ts';
import type { EntryKind, TarEntry, Xattr } from './tar-entry.ts';

export interface LayerOptions {
  /** Whose ids the archive's become on disk; without: their own if `isPrivileged`, else the caller's for all. */
  readonly uidMap?: readonly IdMapping[] | undefined;
  readonly gidMap?: readonly IdMapping[] | undefined;
  /** May make devices, give files away, and set trusted extended attributes. */
  readonly isPrivileged: boolean;
  /** At most so many devices. */
  readonly devices: number;
}

export interface LayerWriter {
  readonly entry: (entry: TarEntry) => void;
  readonly data: (bytes: Buffer, offset: number) => void;
  /** The attributes of all directories. */
  readonly end: () => void;
  /** What was left out, in words. */
  readonly warnings: readonly string[];
}

interface Directory {
  readonly children: Map<string, Directory>;
  whiteouts: Set<string> | undefined;
  isOpaque: boolean;
  attributes: Attributes;
}

type Attributes = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'seconds' | 'nanoseconds' | 'xattrs'>;

const whiteoutPrefix = '.wh.';
const metadataPrefix = '.wh..wh.'; // aufs' own
const opaqueName = '.wh..wh..opq';
// Not told by the archive: the same each time.
const plain: Attributes = { mode: 0o755, uid: 0, gid: 0, seconds: 0, nanoseconds: 0, xattrs: [] };

const fileTypes: Readonly<Record<EntryKind, number>> = {
  file: 0o100000,
  directory: 0o040000,
  'hard link': 0,
  symlink: 0o120000,
  'character device': 0o020000,
  'block device': 0o060000,
  fifo: 0o010000,
};

const recordTypes: Readonly<Record<EntryKind, TreeRecord['type']>> = {
  file: recordType.file,
  directory: recordType.directory,
  'hard link': recordType.hardLink,
  symlink: recordType.symlink,
  'character device': recordType.node,
  'block device': recordType.node,
  fifo: recordType.node,
};

export function layerWriter(records: RecordWriter, options: LayerOptions): LayerWriter {
  const uid = idMapper('uid', options.uidMap, options.isPrivileged);
  const gid = idMapper('gid', options.gidMap, options.isPrivileged);
  const root = newDirectory();
  const warnings: string[] = [];
  let devices = 0;
  let wantsData = false;
  return { entry, data, end, warnings };

  function entry(found: TarEntry): void {
    wantsData = false;
    const components = layerPath(found.path);
    const name = components.at(-1);
    if (components.some((component) => component.startsWith(metadataPrefix) && component !== opaqueName)) return;
    if (name === undefined) attributeRoot(found);
    else make(components, name, found);
  }

  function make(components: readonly string[], name: string, found: TarEntry): void {
    const parents = components.slice(0, -1);
    if (parents.some((parent) => parent.startsWith(whiteoutPrefix))) throw unsafeWhiteout(found.path);
    const parent = directoryAt(parents);
    if (name.startsWith(whiteoutPrefix)) whiteOut(parents, parent, name, found);
    else if (found.kind === 'directory') makeDirectory(components, parent, name, found);
    else {
      parent.children.delete(name);
      makeOther(components.join('/'), found);
    }
  }

  function data(bytes: Buffer, offset: number): void {
    if (wantsData) records.data(bytes, offset);
  }

  function end(): void {
    attribute(root, '');
  }

  function attributeRoot(found: TarEntry): void {
    if (found.kind !== 'directory') throw new KrunError('E_LAYER', `the archive has its root as a ${found.kind}`);
    root.attributes = found;
  }

  // What the archive does not name is made; a file or link in its place is not replaced, and not passed through.
  function directoryAt(components: readonly string[]): Directory {
    let directory = root;
    for (const [index, component] of components.entries()) {
      let child = directory.children.get(component);
      if (child === undefined) {
        child = newDirectory(directory.whiteouts?.has(component));
        directory.children.set(component, child);
        const flags = child.isOpaque ? recordFlag.replace : 0; // a whiteout of ours
        records.record(record(recordType.directory, components.slice(0, index + 1).join('/'), plain, { flags }));
      }
      directory = child;
    }
    return directory;
  }

  function makeDirectory(components: readonly string[], parent: Directory, name: string, found: TarEntry): void {
    let child = parent.children.get(name);
    if (child === undefined) {
      child = newDirectory(parent.whiteouts?.has(name));
      parent.children.set(name, child);
      records.record(record(recordType.directory, components.join('/'), plain, { flags: recordFlag.replace }));
    }
    child.attributes = found;
  }

  // It hides what lower layers have; what this layer has stays, and a directory of this layer is opaque then.
  function whiteOut(parents: readonly string[], parent: Directory, whiteout: string, found: TarEntry): void {
    if (whiteout === opaqueName) {
      parent.isOpaque = true;
      return;
    }
    const name = whiteout.slice(whiteoutPrefix.length);
    if (name === '' || name === '.' || name === '..') throw unsafeWhiteout(found.path);
    parent.whiteouts ??= new Set();
    parent.whiteouts.add(name);
    const child = parent.children.get(name);
    if (child !== undefined) child.isOpaque = true;
    const attributes = { ...found, mode: 0, xattrs: [] };
    const kept = { flags: recordFlag.keep, mode: fileTypes['character device'] };
    if (child === undefined) records.record(record(recordType.node, [...parents, name].join('/'), attributes, kept));
  }

  function makeOther(path: string, found: TarEntry): void {
    const isDevice = found.kind === 'character device' || found.kind === 'block device';
    if (isDevice && !options.isPrivileged) {
      warnings.push(`${readable(path)}: a ${found.kind}, which only root can make, was left out`);
      return;
    }
    if (isDevice && ++devices > options.devices)
      throw new KrunError('E_LAYER_LIMIT', `the layer has more than ${options.devices} devices`, { hint });
    wantsData = found.kind === 'file';
    const target = found.kind === 'hard link' ? linkTarget(path, found) : found.target;
    if (found.kind === 'symlink' && (target === '' || target.includes('\0') || target.length > 4095))
      throw new KrunError('E_LAYER', `the archive has a symbolic link without a usable target: ${readable(found.path)}`, {
        path: readable(found.path),
      });
    const size = found.kind === 'file' ? found.size : 0;
    const { major, minor } = isDevice ? found : { major: 0, minor: 0 };
    const mode = fileTypes[found.kind] | found.mode;
    records.record(record(recordTypes[found.kind], path, found, { flags: recordFlag.replace, mode, target, size, major, minor }));
  }

  // Relative to the layer's root, as all paths.
  function linkTarget(path: string, found: TarEntry): string {
    const target = layerPath(found.target).join('/');
    if (target !== '') return target;
    throw new KrunError('E_LAYER', `the archive has a hard link to a directory: ${readable(path)}`, { path: readable(path) });
  }

  // What is in a directory first, since a mode may forbid to enter it.
  function attribute(directory: Directory, path: string): void {
    for (const [name, child] of directory.children) attribute(child, path === '' ? name : `${path}/${name}`);
    const opaque: TreeXattr = { name: `${overlayPrefix(options.isPrivileged)}opaque`, value: Buffer.from('y'), isOptional: false };
    const made = record(recordType.attributes, path, directory.attributes, { mode: fileTypes.directory | directory.attributes.mode });
    records.record(directory.isOpaque ? { ...made, xattrs: [...made.xattrs, opaque] } : made);
  }

  function record(type: TreeRecord['type'], path: string, from: Attributes, more: Partial<TreeRecord>): TreeRecord {
    return {
      type,
      path,
      flags: 0,
      mode: from.mode,
      uid: uid(from.uid, path),
      gid: gid(from.gid, path),
      major: 0,
      minor: 0,
      seconds: from.seconds,
      nanoseconds: from.nanoseconds,
      size: 0,
      inode: 0,
      target: '',
      xattrs: from.xattrs.flatMap((xattr) => treeXattr(xattr, options.isPrivileged)),
      ...more,
    };
  }
}

/** What overlayfs has its own extended attributes under: those of a user namespace's mounts (userxattr) are others. */
export function overlayPrefix(isPrivileged: boolean): string {
  return isPrivileged ? 'trusted.overlay.' : 'user.overlay.';
}

// An archive must not speak to overlayfs (redirect would lead elsewhere): escaped as overlayfs does (6.7), its own names are only names.
function treeXattr({ name, value }: Xattr, isPrivileged: boolean): readonly TreeXattr[] {
  const overlay = overlayPrefix(isPrivileged);
  const isOverlay = name.startsWith(overlay) || `${name}.` === overlay;
  if (isOverlay) return [{ name: `${overlay}overlay.${name.slice(overlay.length)}`, value, isOptional: true }];
  if (name === 'security.selinux') return []; // the host's policy labels files
  return [{ name, value, isOptional: !(isPrivileged && name === 'security.capability') }];
}

function newDirectory(isOpaque = false): Directory {
  return { children: new Map(), whiteouts: undefined, isOpaque, attributes: plain };
}

function unsafeWhiteout(path: string): KrunError {
  return new KrunError('E_LAYER', `the archive has a whiteout of no name: ${readable(path)}`, { path: readable(path) });
}

const hint = 'raise the limit if the image is trusted';
