import type { Config, Device } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import { cleanPath, isWithin } from './clean-path.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from './constants/file-type.ts';
import type { FileSystemContext } from './file-system-context.ts';
import { parseMountOptions } from './mount-options.ts';
import { hasUserNamespace } from './namespace-owner.ts';
import type { Op } from './ops.ts';

export interface DevicePlan {
  /** Opens nodes of the host, where a user namespace cannot make its own. */
  readonly open: readonly Op[];
  /** Nodes and links below the root, after the mounts. */
  readonly make: readonly Op[];
}

/** The devices of config-linux.md#default-devices and #devices, and the links of /dev. */
export function planDevices(config: Config, { inUserNamespace }: FileSystemContext): DevicePlan {
  const isHostsDev = bindsDev(config);
  const nodes = listDevices(config).filter(({ path }) => !(isHostsDev && isWithin(path, '/dev')));
  const isBound = (device: Node): boolean => device.type !== S_IFIFO && (inUserNamespace || hasUserNamespace(config));
  return {
    open: nodes.filter(isBound).map(openDevice),
    make: [...nodes.map((device) => (isBound(device) ? attachDevice(device) : createDevice(device))), ...(isHostsDev ? [] : links)],
  };
}

interface Node {
  readonly pointer: string;
  readonly path: string;
  readonly type: number;
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

// Whoever binds a /dev brings its devices along: what we made in it would appear on the host.
function bindsDev({ mounts = [] }: Config): boolean {
  return mounts.some(({ destination, options }) => {
    const { bind, remount } = parseMountOptions(options);
    return bind && !remount && cleanPath(destination) === '/dev';
  });
}

// An entry of linux.devices takes the place of the default one at its path.
function listDevices({ linux }: Config): readonly Node[] {
  const nodes = new Map(defaultDevices.map((node) => [node.path, node]));
  for (const [index, device] of (linux?.devices ?? []).entries()) {
    const node = ownNode(device, `/linux/devices/${index}`);
    if (node.path === '/' || isWithin(node.path, '/proc')) refuseDevice(node, 'no device may be at / or in /proc');
    const twin = nodes.get(node.path);
    if (twin !== undefined && twin.pointer !== '' && !isSameDevice(node, twin))
      refuseDevice(node, `is the path of another device already, at ${twin.pointer}`);
    nodes.set(node.path, node);
  }
  // The host's /dev/ptmx would reach the host's terminals: the link below leads to the container's.
  nodes.delete('/dev/ptmx');
  return [...nodes.values()];
}

function isSameDevice(a: Node, b: Node): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor;
}

function refuseDevice({ pointer, path }: Node, why: string): never {
  throw new KrunError('E_BAD_DEV', `${JSON.stringify(path)}: ${why}`, { pointer: `${pointer}/path` });
}

function ownNode({ type, path, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 }: Device, pointer: string): Node {
  return { pointer, path: cleanPath(path), type: fileTypes[type], major, minor, mode: fileMode & 0o7777, uid, gid };
}

const fileTypes = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const satisfies Record<Device['type'], number>;

const defaultDevices: readonly Node[] = [
  defaultDevice('/dev/null', 1, 3),
  defaultDevice('/dev/zero', 1, 5),
  defaultDevice('/dev/full', 1, 7),
  defaultDevice('/dev/random', 1, 8),
  defaultDevice('/dev/urandom', 1, 9),
  defaultDevice('/dev/tty', 5, 0),
];

function defaultDevice(path: string, major: number, minor: number): Node {
  return { pointer: '', path, type: S_IFCHR, major, minor, mode: 0o666, uid: 0, gid: 0 };
}

function createDevice({ pointer, path, type, major, minor, mode, uid, gid }: Node): Op {
  return { op: 'createDevice', pointer, root: 'root', path, type, major, minor, mode, uid, gid };
}

function openDevice({ pointer, path, type, major, minor }: Node): Op {
  return { op: 'openDevice', pointer, source: path, type, major, minor, tree: `devices${path}` };
}

function attachDevice({ pointer, path }: Node): Op {
  return { op: 'moveMount', pointer, root: 'root', tree: `devices${path}`, destination: path, exact: true };
}

const links: readonly Op[] = [
  link('/dev/ptmx', 'pts/ptmx'),
  link('/dev/fd', '/proc/self/fd'),
  link('/dev/stdin', '/proc/self/fd/0'),
  link('/dev/stdout', '/proc/self/fd/1'),
  link('/dev/stderr', '/proc/self/fd/2'),
  link('/dev/core', '/proc/kcore'),
];

function link(path: string, target: string): Op {
  return { op: 'createSymlink', pointer: '', root: 'root', path, target };
}
