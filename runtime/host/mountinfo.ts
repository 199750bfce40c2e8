// /proc/PID/mountinfo (proc_pid_mountinfo(5)).

export interface MountEntry {
  /** The directory of the file system that is the root of this mount. */
  readonly root: string;
  readonly mountpoint: string;
  readonly type: string;
  /** Options of the file system, not of the mount: for cgroup v1 its controllers. */
  readonly superOptions: readonly string[];
}

/** The mounts of one of these file system types, in the order of the file: a later one may cover an earlier one. */
export function parseMountinfo(text: string, types: readonly string[]): readonly MountEntry[] {
  const key = types.join();
  const before = last.get(key);
  if (before?.text === text) return before.entries;
  const entries = parse(text, types);
  last.set(key, { text, entries });
  return entries;
}

// A resident supervisor is given the same text again until a mount changes.
const last = new Map<string, { readonly text: string; readonly entries: readonly MountEntry[] }>();

function parse(text: string, types: readonly string[]): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const separator = line.indexOf(' - ');
    if (separator < 0) continue;
    const [type = '', , options = ''] = line.slice(separator + 3).split(' ');
    if (!types.includes(type)) continue;
    const [, , , root = '', mountpoint = ''] = line.slice(0, separator).split(' ');
    entries.push({ root: unescapePath(root), mountpoint: unescapePath(mountpoint), type, superOptions: options.split(',') });
  }
  return entries;
}

// Blank, tab, newline, backslash and # are \040 and so on: bytes, but of ASCII, so that the rest may stay as it was decoded.
export function unescapePath(path: string): string {
  return path.includes('\\') ? path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) : path;
}
