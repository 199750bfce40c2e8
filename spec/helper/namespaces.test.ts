import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Linux, Namespace, NamespaceType } from '../../runtime/config/config.ts';
import { namespaceTypes } from '../../runtime/config/namespaces.ts';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { holdProcess } from '../support/hold-process.ts';
import { runPlan } from '../support/run-plan.ts';
import { type ProcessRun, probePath, probeSettings, runSettings, type Settings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;
const maps = {
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 200_000, size: 65_536 }],
} as const;

// ── the matrix ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a type may be: the helper's own, new, or joined from a container of the host's user namespace or from one with its own. */
type State = 'own' | 'new' | 'host' | 'user';
type Row = Readonly<Record<NamespaceType, State>> & { readonly offsets: boolean };

const files = { pid: 'pid', network: 'net', mount: 'mnt', ipc: 'ipc', uts: 'uts', user: 'user', cgroup: 'cgroup', time: 'time' } as const;

test('each namespace, new, joined or left, is the one that is asked for, and a new one is owned by the container’s user namespace', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const host = await holdProcess(t, { linux: { namespaces: all(['user']) } });
  const user = await holdProcess(t, { linux: { namespaces: all(), ...maps } });
  const own = await linksOf(process.pid);
  let count = 0;
  for (const row of rows()) {
    await checkRow(t, row, { own, host: await linksOf(host), user: await linksOf(user) }, { host, user });
    count++;
  }
  t.log(`${count} combinations`);
});

function* rows(): Generator<Row> {
  const rest = ['network', 'mount', 'ipc', 'uts', 'cgroup'] as const;
  const states = ['own', 'new', 'host', 'user'] as const;
  const times = ['own', 'new', 'offsets', 'host', 'user'] as const;
  let turn = 0;
  for (const user of ['own', 'new', 'user'] as const) {
    for (const pid of states) {
      for (const time of times) {
        // The five that behave alike take turns, so that each state meets each of the other three.
        const others = Object.fromEntries(rest.map((type, index) => [type, states[(turn + index * 3) % 4] ?? 'own']));
        turn++;
        yield { user, pid, time: time === 'offsets' ? 'new' : time, offsets: time === 'offsets', ...others } as Row;
        yield { user, pid, time: time === 'offsets' ? 'new' : time, offsets: time === 'offsets', ...same(rest, 'new') } as Row;
      }
    }
  }
}

function same<Type extends string>(types: readonly Type[], state: State): Record<Type, State> {
  return Object.fromEntries(types.map((type) => [type, state])) as Record<Type, State>;
}

type Links = Readonly<Record<string, string>>;

async function checkRow(
  t: ExecutionContext,
  row: Row,
  links: Readonly<Record<'own' | 'host' | 'user', Links>>,
  pids: Readonly<Record<'host' | 'user', number>>,
): Promise<void> {
  const namespaces = namespaceTypes.filter((type) => row[type] !== 'own').map((type) => entryOf(type, row[type], pids));
  const linux: Linux = {
    namespaces,
    ...(row.user === 'new' ? maps : {}),
    ...(row.offsets ? { timeOffsets: { monotonic: { secs: 1000n } } } : {}),
  };
  const report = await probeSettings({ linux });
  for (const type of namespaceTypes) {
    const seen = report.namespaces[files[type]];
    const state = row[type];
    const place = `${type} of ${JSON.stringify(row)}`;
    if (state !== 'new') t.is(seen, links[state][files[type]], place);
    else {
      for (const other of ['own', 'host', 'user'] as const) t.not(seen, links[other][files[type]], place);
      if (type !== 'user') t.is(report.namespaceOwners[files[type]], report.namespaces['user'], place);
    }
  }
  t.is(report.timeOffsets?.includes('1000') ?? false, row.offsets, JSON.stringify(row));
  t.is(report.uid.effective, 0, JSON.stringify(row));
}

function entryOf(type: NamespaceType, state: State, pids: Readonly<Record<'host' | 'user', number>>): Namespace {
  return state === 'new' ? { type } : { type, path: `/proc/${pids[state as 'host' | 'user']}/ns/${files[type]}` };
}

function all(except: readonly NamespaceType[] = []): Namespace[] {
  return namespaceTypes.filter((type) => !except.includes(type)).map((type) => ({ type }));
}

async function linksOf(pid: number): Promise<Links> {
  const entries = Object.values(files).map(async (name) => [name, await readlink(`/proc/${pid}/ns/${name}`)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function writePid(path: string): Op {
  return { op: 'writePidFile', pointer: '', path };
}

function insert(plan: Plan, place: Op['op'], before: Plan, after: Plan): Plan {
  return plan.flatMap((op): Plan => (op.op === place ? [...before, op, ...after] : [op]));
}

test('when the clone is done the helper knows init, not the stage that made it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const host = await holdProcess(t, { linux: { namespaces: all(['user']) } });
  const directory = await mkdtemp(join(tmpdir(), 'krun-pid-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const settings: Settings = {
    linux: { namespaces: [entryOf('pid', 'host', { host, user: 0 })] },
    process: {
      args: ['/bin/sh', '-c', `until pid=$(cat ${directory}/pid 2>/dev/null); do :; done; echo $pid; grep NSpid /proc/$pid/status`],
    },
  };
  for (let turn = 0; turn < 20; turn++) {
    await rm(`${directory}/pid`, { force: true });
    const change = (plan: Plan): Plan => insert(plan, 'clone', [], [writePid(`${directory}/pid`)]);
    const { stdout, stderr } = await runSettings(settings, { change });
    t.regex(stdout, /^(\d+)\nNSpid:\t\1\t\d+\n$/, stderr); // a process of the pid namespace has two pids
  }
});

// ── one thing at a time ──────────────────────────────────────────────────────────────────────────────────────────────

test('a namespace of another type than its entry says is refused at its entry', async (t) => {
  const { failure } = await runSettings({ linux: { namespaces: [{ type: 'uts' }, { type: 'network', path: '/proc/self/ns/ipc' }] } });
  t.like(failure, { op: 'openNamespace', pointer: '/linux/namespaces/1', errno: 22, path: '/proc/self/ns/ipc' });
});

test('a path that is no namespace is refused, be it a file, a fifo or a device', async (t) => {
  for (const path of ['/etc/passwd', '/dev/null', '/tmp']) {
    const { failure } = await runSettings({ linux: { namespaces: [{ type: 'network', path }] } });
    t.like(failure, { op: 'openNamespace', errno: 22, path, detail: 'namespace=0' });
  }
});

test('in a user namespace the ids are those of its maps, and setgroups is the map’s', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const report = await probeSettings({
    linux: { namespaces: [{ type: 'user' }], ...maps },
    process: { user: { uid: 5, gid: 6, additionalGids: [7, 8] } },
  });
  t.deepEqual([report.uid.effective, report.gid.effective, report.groups], [5, 6, [7, 8]]);
  t.is(report.uidMap?.trim().replaceAll(/ +/g, ' '), '0 100000 65536');
  t.is(report.gidMap?.trim().replaceAll(/ +/g, ' '), '0 200000 65536');
  t.is(report.setgroups, 'allow\n');
});

test('without privileges a user namespace has one id, denies setgroups, and owns the rest', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const report = await probeSettings(
    {
      hostname: 'mine',
      linux: {
        namespaces: all(),
        uidMappings: [{ containerID: 0, hostID: 65_534, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: 65_534, size: 1 }],
        timeOffsets: { boottime: { secs: 77n, nanosecs: 5 } },
        sysctl: { 'kernel.domainname': 'home' },
      },
      process: { oomScoreAdj: 500, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 20n, hard: 30n }] },
    },
    unprivileged,
  );
  t.is(report.setgroups, 'deny\n');
  t.is(report.hostname, 'mine');
  t.is(report.domainname, 'home');
  t.is(report.oomScoreAdj, 500);
  t.deepEqual(report.rlimits['RLIMIT_NOFILE'], { soft: '20', hard: '30' });
  t.true(report.interfaces['lo']?.up);
  t.regex(report.timeOffsets ?? '', /boottime +77 +5/);
});

test('a map of an id that is not one’s own is refused without privileges, at /linux/uidMappings', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { failure } = await runSettings({ linux: { namespaces: [{ type: 'user' }], ...maps } }, { ...unprivileged, privileged: true });
  t.like(failure, { op: 'writeIdMaps', pointer: '/linux/uidMappings', errno: 1 });
});

test('a sysctl is written in the container’s namespace and not in the host’s', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const file = '/proc/sys/net/ipv4/ip_default_ttl';
  const before = await readFile(file, 'utf8');
  const settings: Settings = {
    linux: { namespaces: [{ type: 'network' }], sysctl: { 'net.ipv4.ip_default_ttl': '33' } },
    process: { args: [probePath, 'read', file] },
  };
  for (const user of [false, true]) {
    const namespaces: Namespace[] = user ? [{ type: 'network' }, { type: 'user' }] : [{ type: 'network' }];
    const { stdout, failure } = await runSettings({ ...settings, linux: { ...settings.linux, namespaces, ...(user ? maps : {}) } });
    t.is(failure, null);
    t.is(JSON.parse(stdout).content, '33\n');
    t.is(await readFile(file, 'utf8'), before);
  }
});

test('a sysctl that the kernel does not have, or a value that it does not take, is refused at its key', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const namespaces = [{ type: 'network' }] as const;
  const missing = await runSettings({ linux: { namespaces, sysctl: { 'net.ipv4.no_such/thing': '1' } } });
  t.like(missing.failure, { op: 'setSysctl', pointer: '/linux/sysctl/net.ipv4.no_such~1thing', errno: 2 });
  const wrong = await runSettings({ linux: { namespaces, sysctl: { 'net.ipv4.ip_default_ttl': 'many' } } });
  t.like(wrong.failure, { op: 'setSysctl', pointer: '/linux/sysctl/net.ipv4.ip_default_ttl', syscall: 'write', errno: 22 });
});

test('a sysctl cannot lead out of its tree', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  for (const path of ['../self/comm', 'net/../../self/comm', '../1/comm', '/proc/self/comm', '/self/comm']) {
    const { failure } = await runPlan([
      { op: 'openProc', pointer: '', proc: 'proc' },
      { op: 'setSysctl', pointer: '/linux/sysctl', proc: 'proc', path, value: 'x' },
    ]);
    t.like(failure, { op: 'setSysctl', syscall: 'openat2', errno: 18, path });
  }
});

const unprivileged: ProcessRun = {
  privileged: false,
  wrapper: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
  noNewKeyring: true,
};
