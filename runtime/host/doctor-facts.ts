// Reads what `krun doctor` judges. Nothing is changed, nothing is started.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { placeOfContainers } from '../cgroup/path.ts';
import type { DoctorCgroup2, DoctorFacts, IdMapProgram } from '../doctor/facts.ts';
import { findCriuProgram } from './criu-program.ts';
import { type FactsOptions, readHostFacts } from './facts.ts';
import { findIdMapProgram, subordinateRanges, userName } from './id-map-facts.ts';

export interface DoctorOptions extends FactsOptions {
  readonly env: ReadonlyMap<string, string>;
  /** Other places, for tests. */
  readonly etc?: string;
  readonly linger?: string;
  readonly programDirectories?: readonly string[];
}

export function readDoctorFacts(options: DoctorOptions): DoctorFacts {
  const { pid, uid, env, proc = '/proc', etc = '/etc', linger = '/var/lib/systemd/linger', programDirectories } = options;
  const host = readHostFacts(options);
  const user = userName(uid, etc);
  const runtimeDirectory = env.get('XDG_RUNTIME_DIR') ?? null;
  const names = new Set([String(uid), ...(user === null ? [] : [user])]);
  return {
    uid,
    user,
    kernelRelease: host.kernelRelease,
    nodeVersion: process.version,
    helper: join(dirname(dirname(process.execPath)), 'bin/krun'),
    cgroup2: readCgroup2(host),
    version1Controllers: host.version1Controllers,
    namespaces: list(`${proc}/${pid}/ns`),
    fileSystems: lines(`${proc}/filesystems`).map((line) => line.split('\t').at(-1) ?? ''),
    seccompActions: (read(`${proc}/sys/kernel/seccomp/actions_avail`) ?? '').split(/\s+/).filter(Boolean),
    maxUserNamespaces: number(`${proc}/sys/user/max_user_namespaces`),
    unprivilegedUserNamespaces: number(`${proc}/sys/kernel/unprivileged_userns_clone`),
    apparmorRestrictsUserNamespaces: number(`${proc}/sys/kernel/apparmor_restrict_unprivileged_userns`),
    idMapPrograms: { newuidmap: idMapProgram('newuidmap', programDirectories), newgidmap: idMapProgram('newgidmap', programDirectories) },
    subordinate: { uids: countIds(`${etc}/subuid`, names), gids: countIds(`${etc}/subgid`, names) },
    runtimeDirectory,
    hasUserBus: env.has('DBUS_SESSION_BUS_ADDRESS') || (runtimeDirectory !== null && existsSync(join(runtimeDirectory, 'bus'))),
    lingers: user !== null && existsSync(join(linger, user)),
    criu: findCriuProgram(env),
  };
}

// Where a user's containers come; root's may come anywhere.
function readCgroup2({ cgroup2, euid }: ReturnType<typeof readHostFacts>): DoctorCgroup2 | null {
  if (cgroup2 === null) return null;
  const place = euid === 0 ? '/' : placeOfContainers({ own: cgroup2.own, isWritable: (path) => cgroup2.look(path).isWritable });
  const { controllers, isWritable } = cgroup2.look(place);
  return { mountpoint: cgroup2.mountpoint, place, controllers, isWritable };
}

// Node cannot read file capabilities, by which some distributions do without setuid: one of root's is taken for able.
function idMapProgram(name: string, directories: readonly string[] | undefined): IdMapProgram {
  const path = findIdMapProgram(name, directories);
  if (path === null) return 'missing';
  const { mode, uid } = statSync(path);
  return (mode & 0o4000) !== 0 || uid === 0 ? 'ready' : 'unprivileged';
}

function countIds(path: string, owners: ReadonlySet<string>): number {
  return subordinateRanges(path, owners).reduce((sum, { count }) => sum + count, 0);
}

function number(path: string): number | null {
  const text = read(path);
  return text === null ? null : Number(text);
}

function lines(path: string): string[] {
  return (read(path) ?? '').split('\n').filter((line) => line !== '');
}

function list(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // this host does not have it
  }
}
