// Plans of mount ops in a fresh mount namespace, and what the probe sees in the root that they made. No pid namespace: a process
// that is its init cannot stop itself at a test point.
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Op, OpOf, Plan } from '../../runtime/plan/ops.ts';
import { makeBundle } from './bundle.ts';
import type { Outcome, ProbeReport } from './probe.ts';
import { type PlanOptions, type PlanResult, runPlan } from './run-plan.ts';
import { skipUnless } from './skip.ts';

export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const RDONLY = 1n;
export const NOSUID = 2n;
export const NODEV = 4n;
export const NOEXEC = 8n;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
const CLONE_NEWNS = 0x20000n;
const userAndPid = 0x10000000n | 0x20000000n; // procfs needs a pid namespace of the same owner

type Fields<Name extends Op['op']> = Partial<Omit<OpOf<Name>, 'op' | 'pointer'>>;

export const setPropagation = (path: string, propagation: number, recursive = true): Op => ({
  op: 'setPropagation',
  pointer: '',
  path,
  mount: null,
  propagation,
  recursive,
});
export const openRoot = (path: string, fields: Fields<'openRoot'> = {}): Op => ({
  op: 'openRoot',
  pointer: '/root/path',
  path,
  recursive: true,
  propagation: 0,
  userNamespace: null,
  root: 'root',
  ...fields,
});
export const openTree = (source: string, fields: Fields<'openTree'> = {}): Op => ({
  op: 'openTree',
  pointer: '/mounts/0',
  source,
  recursive: true,
  set: 0n,
  clear: 0n,
  recursiveSet: 0n,
  recursiveClear: 0n,
  propagation: 0,
  recursivePropagation: false,
  userNamespace: null,
  recursiveIdmap: false,
  tree: 'tree',
  ...fields,
});
export const moveMount = (destination: string, fields: Fields<'moveMount'> = {}): Op => ({
  op: 'moveMount',
  pointer: '/mounts/0',
  root: 'root',
  tree: 'tree',
  destination,
  exact: false,
  ...fields,
});
export const mount = (destination: string, type: string, fields: Fields<'mount'> = {}): Op => ({
  op: 'mount',
  pointer: '/mounts/0',
  root: 'root',
  destination,
  type,
  source: type,
  options: [],
  attributes: 0n,
  exact: false,
  copyUp: false,
  keepMode: false,
  mount: null,
  ...fields,
});
export const mountProc = mount('/proc', 'proc', { exact: true });
export const remount = (destination: string, fields: Fields<'remount'> = {}): Op => ({
  op: 'remount',
  pointer: '/mounts/0',
  root: 'root',
  destination,
  options: [],
  set: 0n,
  clear: 0n,
  ...fields,
});
export const openNull: Op = { op: 'openNull', pointer: '', null: 'null' };
export const maskPath = (path: string): Op => ({ op: 'maskPath', pointer: '/linux/maskedPaths/0', root: 'root', path, null: 'null' });
export const setPathReadonly = (path: string): Op => ({ op: 'setPathReadonly', pointer: '/linux/readonlyPaths/0', root: 'root', path });
export const createDirectory = (path: string, fields: Fields<'createDirectory'> = {}): Op => ({
  op: 'createDirectory',
  pointer: '',
  root: 'root',
  path,
  mode: 0o755,
  uid: 0,
  gid: 0,
  ...fields,
});
export const createDevice = (path: string, fields: Fields<'createDevice'> = {}): Op => ({
  op: 'createDevice',
  pointer: '/linux/devices/0',
  root: 'root',
  path,
  type: S_IFCHR,
  major: 1,
  minor: 3,
  mode: 0o666,
  uid: 0,
  gid: 0,
  ...fields,
});
export const createSymlink = (path: string, target: string): Op => ({ op: 'createSymlink', pointer: '', root: 'root', path, target });
export const pivotRoot = (propagation = 0, recursive = false): Op => ({
  op: 'pivotRoot',
  pointer: '',
  root: 'root',
  propagation,
  recursive,
});
export const waitForParent: Op = { op: 'waitForParent', pointer: '', stage: 1 };

export interface RootfsPlan {
  /** Runs on the host, before the clone. */
  readonly host?: Plan;
  /** Instead of an openRoot of the rootfs. */
  readonly root?: Plan;
  /** Runs in the child, with the root open and the host still around it. */
  readonly setUp?: Plan;
  readonly afterPivot?: Plan;
  /** Of the mount namespace's root; default: a recursive slave. */
  readonly propagation?: number;
  /** The id map of a user namespace to make it all in. */
  readonly userMap?: string;
}

/** The whole plan, ending in the execution of the probe. */
export function rootfsPlan(rootfs: string, plan: RootfsPlan, actions: readonly (readonly string[])[]): Plan {
  const words = actions.flatMap((action, index) => (index === 0 ? action : [',', ...action]));
  const { userMap } = plan;
  const program: Plan = [
    ...(userMap === undefined ? [] : becomeMappedRoot),
    setPropagation('/', plan.propagation ?? MS_SLAVE),
    ...(plan.root ?? [openRoot(rootfs)]),
    ...(plan.setUp ?? []),
    pivotRoot(),
    ...(plan.afterPivot ?? []),
    { op: 'findProgram', pointer: '', name: '/probe', searchPath: '' },
    { op: 'execute', pointer: '', arguments: ['/probe', ...words], environment: [] },
  ];
  return [
    ...(plan.host ?? []),
    { op: 'clone', pointer: '', flags: CLONE_NEWNS | (userMap === undefined ? 0n : userAndPid), cgroup: null, program },
    ...(userMap === undefined ? [] : writeIdMaps(userMap)),
    { op: 'waitForExecute', pointer: '' },
    { op: 'wait', pointer: '' },
  ];
}

const becomeMappedRoot: Plan = [
  { op: 'waitForParent', pointer: '', stage: 10 },
  { op: 'setUser', pointer: '', uid: 0, gid: 0, groups: [], setGroups: true },
];

const writeIdMaps = (map: string): Plan => [
  { op: 'writeIdMaps', pointer: '', uidMap: map, gidMap: map, denySetgroups: false },
  { op: 'notifyChild', pointer: '', stage: 10 },
];

/** Runs it all and returns what became of the probe's actions; a failure of the plan fails the test. */
export async function actInRootfs(
  t: ExecutionContext,
  rootfs: string,
  plan: RootfsPlan,
  actions: readonly (readonly string[])[],
  options: PlanOptions = {},
): Promise<readonly Outcome[]> {
  const { failure, status, stdout, stderr } = await runPlan(rootfsPlan(rootfs, plan, actions), options);
  t.is(failure, null);
  t.is(status, 0, stderr);
  const parsed = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Outcome | Outcome[];
  return Array.isArray(parsed) ? parsed : [parsed];
}

export async function reportFromRootfs(
  t: ExecutionContext,
  rootfs: string,
  plan: RootfsPlan,
  options: PlanOptions = {},
): Promise<ProbeReport> {
  const [report] = await actInRootfs(t, rootfs, plan, [], options);
  return report as unknown as ProbeReport;
}

/** For plans that are meant to fail: nothing is executed. */
export async function failInRootfs(rootfs: string, plan: RootfsPlan, options: PlanOptions = {}): Promise<PlanResult> {
  return runPlan(rootfsPlan(rootfs, plan, []), options);
}

/** A rootfs with the probe, and a directory beside it that stands for the host: nothing may change there. */
export interface Stage {
  readonly rootfs: string;
  readonly canary: string;
  readonly assertHostUnchanged: () => Promise<void>;
}

/** Null, and the test is skipped, where mount namespaces cannot be made. */
export async function makeStage(t: ExecutionContext): Promise<Stage | null> {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return null;
  const { rootfs } = await makeBundle(t);
  const canary = await mkdtemp(join(tmpdir(), 'krun-test-canary-'));
  t.teardown(() => rm(canary, { recursive: true, force: true }));
  await chmod(canary, 0o755); // for mapped users
  await mkdir(join(canary, 'directory'));
  await writeFile(join(canary, 'file'), 'host\n');
  await writeFile(join(canary, 'ptmx'), 'host\n');
  const before = await snapshot(canary);
  const mounts = await readMountinfo();
  return {
    rootfs,
    canary,
    assertHostUnchanged: async () => {
      t.deepEqual(await snapshot(canary), before, 'the canary has changed');
      t.deepEqual(
        await readMountinfo(canary),
        mounts.filter((line) => line.includes(canary)),
        'mounts were left',
      );
    },
  };
}

async function readMountinfo(part = ''): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').filter((line) => line.includes(part));
}

/** One line an inode: path, type and mode, owner, size, and what it holds. */
export async function snapshot(directory: string): Promise<string[]> {
  const names = ['', ...(await readdir(directory, { recursive: true }))].sort();
  return Promise.all(names.map((name) => describe(directory, name)));
}

async function describe(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  const { mode, uid, gid, size, rdev } = await lstat(path);
  const kind = mode & 0o170000;
  const held = kind === 0o100000 ? await readFile(path, 'utf8') : kind === 0o120000 ? await readlink(path) : String(rdev);
  return `${name} ${mode.toString(8)} ${uid}:${gid} ${kind === 0o040000 ? '' : size} ${JSON.stringify(held)}`;
}
