// Finds what a run leaves behind. Other test files run beside, and what they hold is no leak of ours: what is new after a run must go
// away within a time, what appears only later is not asked about, nor what names another test's bundle.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Bundle } from './bundle.ts';

/** One line for each mount, cgroup, process of ours, state directory and temporary file. */
export type HostSnapshot = ReadonlySet<string>;

export async function hostSnapshot(): Promise<HostSnapshot> {
  const mounts = await readMounts();
  const lists = await Promise.all([
    mounts.map(({ id, destination, type }) => `mount ${id} ${type} ${destination}`),
    cgroups(mounts.find(({ type }) => type === 'cgroup2')?.destination),
    processes(),
    entries('state', '/run/krun'),
    entries('state', join(process.env.XDG_RUNTIME_DIR ?? '/run', 'krun')),
    ...['/run', '/dev/shm', tmpdir()].map((directory) => entries('file', directory, isTemporary)),
  ]);
  return new Set(lists.flat());
}

/** Fails the test if, a minute after the run of `bundle`, something is still there that came since `before`. */
export async function assertNothingLeft(t: ExecutionContext, before: HostSnapshot, bundle?: Bundle): Promise<void> {
  t.deepEqual(await leftBehind(before, 60_000, bundle), [], 'left behind');
}

/** What is there now and was not before, and is still there when the time is over. */
export async function leftBehind(before: HostSnapshot, milliseconds: number, bundle?: Bundle): Promise<readonly string[]> {
  const deadline = Date.now() + milliseconds;
  let left = [...(await hostSnapshot())].filter((line) => !before.has(line) && !isOfAnotherTest(line, bundle));
  while (left.length > 0 && Date.now() < deadline) {
    await delay(20);
    const now = await hostSnapshot();
    left = left.filter((line) => now.has(line));
  }
  return left;
}

// makeBundle gives each test a directory and an id of its own.
function isOfAnotherTest(line: string, bundle: Bundle | undefined): boolean {
  const marks = line.match(/\btest-[0-9a-f]{12}|krun-test-[A-Za-z0-9]{6}\b/g) ?? [];
  const ours = [bundle?.id, bundle?.path.slice(bundle.path.lastIndexOf('/') + 1)];
  return marks.length > 0 && !marks.some((mark) => ours.includes(mark));
}

/** Where the cgroup2 hierarchy is mounted, if it is. */
export async function cgroup2Mount(): Promise<string | undefined> {
  return (await readMounts()).find(({ type }) => type === 'cgroup2')?.destination;
}

interface Mounted {
  readonly id: string;
  readonly destination: string;
  readonly type: string;
}

async function readMounts(): Promise<Mounted[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trimEnd().split('\n');
  return lines.map((line) => {
    const fields = line.split(' ');
    return { id: fields[0] ?? '', destination: fields[4] ?? '', type: fields[fields.indexOf('-') + 1] ?? '' };
  });
}

async function cgroups(directory: string | undefined): Promise<string[]> {
  if (directory === undefined) return [];
  const children = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const below = children.filter((child) => child.isDirectory()).map((child) => join(directory, child.name));
  const deeper = await Promise.all(below.map(cgroups));
  return [...below.map((path) => `cgroup ${path}`), ...deeper.flat()];
}

const tree = fileURLToPath(new URL('../../', import.meta.url));

// Ours: run from this tree (or from the sealed copy in memory), or in a mount or pid namespace that is not the test's.
async function processes(): Promise<string[]> {
  const own = await namespacesOf('self');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(pids.map((pid) => describeOurs(pid, own)));
  return found.filter((line) => line !== undefined);
}

async function describeOurs(pid: string, own: string): Promise<string | undefined> {
  try {
    const exe = await readlink(`/proc/${pid}/exe`).catch(() => '');
    const isRuntime = exe.startsWith(`${tree}bin/`) || exe.startsWith(`${tree}dist/`) || exe.includes('memfd:krun');
    if (!isRuntime && (await namespacesOf(pid)) === own) return undefined;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [cgroup, command] = await Promise.all(['cgroup', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')));
    const owner = `${cgroup} ${command}`.match(/test-[0-9a-f]{12}/)?.[0] ?? 'nobody';
    return `process ${pid} ${stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))} started ${fields[19]} for ${owner}`;
  } catch {
    return undefined; // gone, or not ours to look at
  }
}

async function namespacesOf(pid: string): Promise<string> {
  const links = await Promise.all(['mnt', 'pid'].map((type) => readlink(`/proc/${pid}/ns/${type}`)));
  return links.join(' ');
}

async function entries(kind: string, directory: string, isWanted = (_name: string): boolean => true): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter(isWanted).map((name) => `${kind} ${join(directory, name)}`);
}

// Directories by mkdtemp (six characters at the end) are those of tests that are still at work, and no files of krun's.
function isTemporary(name: string): boolean {
  return /^\.?krun[-.]/.test(name) && !/-[A-Za-z0-9]{6}$/.test(name);
}
