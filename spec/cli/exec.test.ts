import { randomBytes } from 'node:crypto';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { all, isRoot, withLinux, withNamespaces, withProcess, withUserNamespace, writableRoot } from '../support/change-config.ts';
import { actIn, beside, execIn, probeIn } from '../support/exec.ts';
import { krunBinary, runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const initOf = async (id: string) => (JSON.parse((await runKrun(['state', id])).stdout) as { pid: number }).pid;

test("a process of exec has the container's root, namespaces, cgroup and session keyring", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const pid = await initOf(container.bundle.id);
    const seen = await probeIn(t, container);
    for (const type of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'])
      t.is(seen.namespaces[type], await readlink(`/proc/${pid}/ns/${type}`), type);
    t.is(seen.hostname, 'krun');
    t.regex(seen.cgroup ?? '', /^0::\/$/m, 'the root of its cgroup namespace');
    t.is(seen.sid, seen.pid);
    t.not(seen.pid, 1);
    t.is(seen.ppid, 0);
    t.regex(seen.sessionKeyring.description ?? '', new RegExp(`_ses\\.${container.bundle.id}$`));
  });
});

test('processes of exec share the session keyring of the container', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const [one, two] = [await probeIn(t, container), await probeIn(t, container)];
    t.is(one.sessionKeyring.id, two.sessionKeyring.id);
  });
});

test("user, groups, environment, limits and capabilities are those of the container's process, and HOME of its user", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_KILL', 'CAP_NET_RAW'];
  const change = withProcess({
    user: { uid: 1000, gid: 1001, additionalGids: [7, 8], umask: 0o27 },
    env: ['PATH=/bin', 'A=1'],
    cwd: '/home',
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77n, hard: 99n }],
    capabilities: { bounding: names, permitted: names, effective: names, inheritable: names, ambient: names },
    noNewPrivileges: true,
    oomScoreAdj: 321,
  });
  await beside(t, change, async (container) => {
    const seen = await probeIn(t, container);
    t.like(seen, { cwd: '/home', umask: 0o27, noNewPrivileges: true, oomScoreAdj: 321 });
    t.deepEqual([seen.uid.real, seen.gid.real, seen.groups], [1000, 1001, [7, 8]]);
    t.deepEqual(seen.environment, ['PATH=/bin', 'A=1', 'HOME=/home/tester']);
    t.deepEqual(seen.rlimits.NOFILE ?? seen.rlimits.RLIMIT_NOFILE, { soft: '77', hard: '99' });
    t.deepEqual(new Set(Object.values(seen.capabilities)), new Set(['0000000000002020']));
  });
});

test('--user, --additional-gids, --cwd and --env change the process', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, withProcess({ user: { uid: 0, gid: 3, additionalGids: [9] }, env: ['PATH=/bin', 'A=1'] }), async (container) => {
    const uid = await probeIn(t, container, ['--user', '1000', '--cwd', '/tmp', '-e', 'A=2', '--env=B=x=y']);
    t.deepEqual([uid.uid.real, uid.gid.real, uid.groups], [1000, 3, [9]], 'the group stays, as in runc');
    t.deepEqual(uid.environment, ['PATH=/bin', 'A=2', 'B=x=y', 'HOME=/home/tester']);
    t.is(uid.cwd, '/tmp');
    const both = await probeIn(t, container, ['-u', '0:44', '-g', '5', '-g', '6']);
    t.deepEqual([both.uid.real, both.gid.real, [...both.groups].sort()], [0, 44, [5, 6, 9]]);
    t.true(both.environment.includes('HOME=/root'));
  });
});

test('--cap adds to bounding, permitted and effective, to ambient only where something is inheritable, never to inheritable', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const [kill, raw, both] = ['0000000000000020', '0000000000002000', '0000000000002020'];
  const none = '0000000000000000';
  const set = ['CAP_KILL'];
  await beside(t, withProcess({ capabilities: { bounding: set, permitted: set, effective: set } }), async (container) => {
    const { capabilities } = await probeIn(t, container, ['--cap', 'CAP_NET_RAW']);
    t.deepEqual(capabilities, { effective: both, permitted: both, inheritable: none, bounding: both, ambient: none });
    t.like((await probeIn(t, container, ['--cap=CAP_NET_RAW', '-u', '1000'])).capabilities, { inheritable: none, ambient: none });
  });
  const sets = { bounding: set, permitted: set, effective: set, inheritable: set, ambient: set };
  await beside(t, withProcess({ capabilities: sets, user: { uid: 1000, gid: 1000 } }), async (container) => {
    const { capabilities } = await probeIn(t, container, ['-c', 'CAP_NET_RAW']);
    t.is(capabilities.inheritable, kill);
    t.is(capabilities.bounding, both);
    t.not(capabilities.ambient, raw, 'what is not inheritable cannot be ambient');
  });
});

test('--no-new-privs sets it, and =false takes it away', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, withProcess({ noNewPrivileges: false }), async (container) => {
    t.false((await probeIn(t, container)).noNewPrivileges);
    t.true((await probeIn(t, container, ['--no-new-privs'])).noNewPrivileges);
  });
  await beside(t, withProcess({ noNewPrivileges: true }), async (container) => {
    t.false((await probeIn(t, container, ['--no-new-privs=false'])).noNewPrivileges);
  });
});

test("the container's seccomp profile holds for exec too", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }],
  } as const;
  for (const noNewPrivileges of [true, false]) {
    await beside(t, all(withLinux({ seccomp: profile }), withProcess({ noNewPrivileges })), async (container) => {
      t.is((await probeIn(t, container)).seccompMode, 2);
      t.is((await actIn(t, container, [], ['mkdir', '/tmp/x'])).errno, 99);
    });
  }
});

test('flags end at the id: what follows is the program and its arguments, with or without -- before', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const { id } = container.bundle;
    t.is((await runKrun(['exec', id, 'echo', '-n', '--cwd', '/x', '--', '-e'])).stdout, '--cwd /x -- -e');
    t.is((await runKrun(['exec', id, '--', 'echo', 'a'])).stdout, 'a');
    t.is((await runKrun(['exec', '--', id, 'echo', 'b'])).stdout, 'b');
  });
});

test("the process' status is exec's: exit codes, and 128+n for a signal", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    for (const status of [0, 1, 7, 125, 254, 255]) t.is((await execIn(container, ['/probe', 'exit', String(status)])).status, status);
    for (const signal of [1, 9, 11, 15]) t.is((await execIn(container, ['/probe', 'signal', String(signal)])).status, 128 + signal);
  });
});

test('standard input, output and error reach the process as they are, byte for byte', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const input = randomBytes(1_000_000);
    const { stdout, stderr, exitCode } = await execa(krunBinary, ['exec', container.bundle.id, 'sh', '-c', 'cat; echo err >&2'], {
      input,
      encoding: 'buffer',
      stripFinalNewline: false,
    });
    t.is(exitCode, 0);
    t.deepEqual(Buffer.from(stdout), input);
    t.is(Buffer.from(stderr).toString(), 'err\n');
  });
});

test('signals are forwarded to the process', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    for (const [name, number] of [
      ['SIGTERM', 15],
      ['SIGHUP', 1],
      ['SIGUSR1', 10],
    ] as const) {
      const child = execa(krunBinary, ['exec', container.bundle.id, '/probe', 'wait-for-signal', String(number)], {
        reject: false,
        buffer: true,
      });
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      child.kill(name);
      const { stdout, exitCode } = await child;
      t.is(exitCode, 0);
      t.is(JSON.parse(String(stdout).split('\n').at(-1) ?? '').signal, number);
    }
  });
});

test('--preserve-fds hands descriptors on, and no other is', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const seen = await probeIn(t, container, ['--preserve-fds', '2'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    t.deepEqual(
      seen.descriptors.map(({ fd }) => fd),
      [0, 1, 2, 3, 4],
    );
    const { status, stderr } = await runKrun(['exec', '--preserve-fds', '1', container.bundle.id, '/bin/true']);
    t.is(status, 255);
    t.regex(stderr, /descriptor 3/);
  });
});

test('--detach returns while the process runs; --pid-file holds its pid without a newline', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async ({ bundle }) => {
    const result = await runKrun(['exec', '-d', '--pid-file', 'pid', bundle.id, '/probe', 'wait-for-signal', '10'], {
      cwd: bundle.path,
      stdio: 'ignore',
    });
    t.is(result.status, 0);
    const text = await readFile(join(bundle.path, 'pid'), 'utf8');
    t.regex(text, /^\d+$/);
    const init = await initOf(bundle.id);
    t.is(await readlink(`/proc/${text}/ns/pid`), await readlink(`/proc/${init}/ns/pid`));
    t.is(await readFile(`/proc/${text}/cgroup`, 'utf8'), await readFile(`/proc/${init}/cgroup`, 'utf8'));
    t.not(Number(text), init);
    process.kill(Number(text), 'SIGKILL');
  });
});

test('--process FILE is the whole process, and its path counts from the caller', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, withProcess({ env: ['PATH=/bin', 'A=1'] }), async (container) => {
    const { id, path } = container.bundle;
    const process = {
      cwd: '/tmp',
      args: ['/probe'],
      env: ['ONLY=this'],
      user: { uid: 5, gid: 6, umask: 0o77 },
      capabilities: { bounding: ['CAP_KILL'] },
    };
    await writeFile(join(path, 'process.json'), JSON.stringify(process));
    const { status, stdout, stderr } = await runKrun(['exec', '--process', 'process.json', id], { cwd: path });
    t.is(status, 0, stderr);
    const seen = JSON.parse(stdout);
    t.like(seen, { cwd: '/tmp', umask: 0o77, environment: ['ONLY=this', 'HOME=/'] });
    t.deepEqual([seen.uid.real, seen.gid.real, seen.capabilities.bounding], [5, 6, '0000000000000020']);
  });
});

test('every problem of a --process file is named with its pointer', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async ({ bundle: { id, path } }) => {
    const refused = async (content: string) => {
      const file = join(path, 'process.json');
      await writeFile(file, content);
      const { status, stderr } = await runKrun(['exec', '-p', file, id]);
      t.is(status, 255);
      return stderr.replaceAll(path, '');
    };
    t.regex(await refused('{"args":["x"],"cwd":"rel"}'), /\/process\.json#\/cwd: cwd must be an absolute path[\s\S]*code: E_CONFIG$/);
    t.regex(await refused('{"args":[],"cwd":"/"}'), /#\/args: args must/);
    t.regex(await refused('{"args":["x"],"cwd":"/","env":["A=1","B"]}'), /#\/env\/1: env\[1\] must be of the form NAME=value/);
    t.regex(await refused('{"args":["x"],"cwd":"/","user":{"uid":4294967295,"gid":0}}'), /#\/user\/uid: uid must be/);
    t.regex(await refused('{"args":["x"],"cwd":"/","user":{"uid":-1,"gid":0}}'), /#\/user\/uid: uid must be/);
    t.regex(await refused('{"args":["x"],"args":["y"],"cwd":"/"}'), /code: E_CONFIG_JSON/);
    t.regex(await refused('nonsense'), /process\.json[\s\S]*code: E_CONFIG_JSON/);
    t.regex((await runKrun(['exec', '-p', '/nowhere', id])).stderr, /\/nowhere cannot be read[\s\S]*code: E_FILE/);
    t.regex((await runKrun(['exec', '-p', '/nowhere', '--cwd', '/', id])).stderr, /--cwd has no effect with --process[\s\S]*E_USAGE/);
    t.regex((await runKrun(['exec', '-p', '/nowhere', id, 'true'])).stderr, /code: E_USAGE/);
  });
});

test('execCPUAffinity.final is where the process runs; without it, wherever the cgroup may', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const cpus = (await probeCpus()) ?? [];
  if (skipUnless(t, 'two CPUs', cpus.length >= 2)) return;
  const last = cpus.at(-1) ?? 0;
  await beside(t, withProcess({ execCPUAffinity: { initial: '0', final: String(last) } }), async (container) => {
    t.deepEqual((await probeIn(t, container)).affinity, [last]);
  });
  await beside(t, undefined, async (container) => {
    const { stdout } = await execa('taskset', ['-c', '0', krunBinary, 'exec', container.bundle.id, '/probe']);
    t.deepEqual(JSON.parse(stdout).affinity, cpus);
  });
});

async function probeCpus(): Promise<number[] | null> {
  const list = /^Cpus_allowed_list:\s*(\d+)-(\d+)$/m.exec(await readFile('/proc/self/status', 'utf8'));
  return list === null ? null : Array.from({ length: Number(list[2]) - Number(list[1]) + 1 }, (_, index) => Number(list[1]) + index);
}

test('exec enters a user namespace with all that is in it, and ids are those of the container', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const limits = { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 55n, hard: 999n }] } as const;
  await beside(t, all(withUserNamespace(), withProcess(limits)), async (container) => {
    const pid = await initOf(container.bundle.id);
    for (const flags of [[], ['--user', '1000:1000']]) {
      const seen = await probeIn(t, container, flags);
      t.is(seen.namespaces.user, await readlink(`/proc/${pid}/ns/user`));
      t.is(seen.namespaces.pid, await readlink(`/proc/${pid}/ns/pid`));
      t.is(seen.uid.real, flags.length === 0 ? 0 : 1000);
      t.deepEqual(seen.groups, []);
      t.regex(seen.uidMap ?? '', /0\s+100000\s+65536/);
      t.deepEqual(seen.rlimits.NOFILE ?? seen.rlimits.RLIMIT_NOFILE, { soft: '55', hard: '999' });
      t.regex(seen.sessionKeyring.description ?? '', new RegExp(`_ses\\.${container.bundle.id}$`));
    }
  });
});

test('exec enters a time namespace, and namespaces that the container itself joined', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const offsets = withLinux({ timeOffsets: { boottime: { secs: 1_000_000n, nanosecs: 0 } } });
  await beside(t, all(withNamespaces({ type: 'time' }), offsets), async (container) => {
    const seen = await probeIn(t, container);
    t.regex(seen.timeOffsets ?? '', /boottime\s+1000000\s+0/);
    const other = await initOf(container.bundle.id);
    const join = withNamespaces({ type: 'network', path: `/proc/${other}/ns/net` }, { type: 'ipc', path: `/proc/${other}/ns/ipc` });
    await beside(t, join, async (second) => {
      const inside = await probeIn(t, second);
      t.is(inside.namespaces.net, await readlink(`/proc/${other}/ns/net`));
      t.not(inside.namespaces.mnt, await readlink(`/proc/${other}/ns/mnt`));
    });
  });
});

test('edits of the bundle after the start change nothing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, withProcess({ env: ['PATH=/bin', 'MINE=yes'] }), async (container) => {
    await writeFile(join(container.bundle.path, 'config.json'), '{"broken":');
    t.deepEqual((await probeIn(t, container)).environment, ['PATH=/bin', 'MINE=yes', 'HOME=/root']);
  });
});

test('20 execs at once all run', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, writableRoot, async (container) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => execIn(container, ['echo', String(index)])));
    for (const [index, { status, stdout, stderr }] of results.entries()) t.deepEqual([status, stdout, stderr], [0, String(index), '']);
  });
});

test("--cgroup is a cgroup below the container's", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const { id } = container.bundle;
    const init = await initOf(id);
    const path = /^0::(.*)$/m.exec(await readFile(`/proc/${init}/cgroup`, 'utf8'))?.[1] ?? '';
    const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(await readFile('/proc/self/mountinfo', 'utf8'))?.[1] ?? '';
    await execa('mkdir', [join(mount, path, 'below')]);
    t.regex((await probeIn(t, container, ['--cgroup', 'below'])).cgroup ?? '', /^0::\/below$/m);
    t.regex((await probeIn(t, container, ['--cgroup', '/'])).cgroup ?? '', /^0::\/$/m);
    t.regex((await runKrun(['exec', '--cgroup', 'nowhere', id, 'true'])).stderr, /code: E_BAD_CGROUP/);
  });
});
