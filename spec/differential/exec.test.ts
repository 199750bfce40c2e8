// exec by krun and by runc, with the same flags in the same container: what the process sees of itself.
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { all, isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary, withArguments } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { others } from './runtimes.ts';

const flagSets: readonly (readonly string[])[] = [
  [],
  ['--user', '1000'],
  ['--user', '1000:2000', '--additional-gids', '5', '--additional-gids', '6'],
  ['--cwd', '/tmp', '--env', 'A=2', '--env', 'B=x=y'],
  ['--cap', 'CAP_NET_RAW', '--cap', 'CAP_SYS_TIME'],
  ['--cap', 'CAP_NET_RAW', '--user', '1000'],
  ['--no-new-privs'],
];

const change = withProcess({
  user: { uid: 0, gid: 3, additionalGids: [9] },
  env: ['PATH=/bin', 'A=1', 'HOME=/root'],
  noNewPrivileges: false,
  capabilities: { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 99n, hard: 99n }], // alike: Go's runtime sometimes raises the soft one for runc's child
  oomScoreAdj: 100,
});

for (const flags of flagSets) {
  test(`exec ${flags.join(' ') || 'without flags'} gives a process that sees itself as by runc`, async (t) => {
    if (skipUnless(t, 'root and runc', isRoot && others.includes('runc'))) return;
    t.deepEqual(await look(t, krunBinary, flags), await look(t, 'runc', flags));
  });
}

test('the status of exec is that of runc, of the process and of what fails', async (t) => {
  if (skipUnless(t, 'root and runc', isRoot && others.includes('runc'))) return;
  for (const program of [['/probe', 'exit', '3'], ['/probe', 'signal', '15'], ['nosuch'], ['/etc/hosts']]) {
    const [ours, theirs] = [await run(t, krunBinary, [], program), await run(t, 'runc', [], program)];
    t.is(ours.exitCode, theirs.exitCode, program.join(' '));
  }
});

async function look(t: ExecutionContext, runtime: string, flags: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await run(t, runtime, flags, ['/probe']);
  t.is(exitCode, 0, stderr);
  const { uid, gid, groups, capabilities, cwd, umask, noNewPrivileges, environment, rlimits, oomScoreAdj } = JSON.parse(
    stdout,
  ) as ProbeReport;
  const { sid, pid, seccompMode, hostname, secureBits, blockedSignals, ignoredSignals, dumpable } = JSON.parse(stdout) as ProbeReport;
  const identity = { uid, gid, groups: [...groups].sort(), capabilities, secureBits, noNewPrivileges };
  const rest = {
    cwd,
    umask,
    environment: [...environment].sort(),
    rlimits,
    oomScoreAdj,
    seccompMode,
    hostname,
    blockedSignals,
    ignoredSignals,
    dumpable,
  };
  return { ...identity, ...rest, leads: sid === pid };
}

// All in one mount namespace, where cgroup2 is all there is.
const script = `
umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
runtime=$1 root=$2 id=$3; shift 3
"$runtime" --root "$root" run "$id" </dev/null >/dev/null 2>&1 &
until "$runtime" --root "$root" state "$id" 2>/dev/null | grep -q '"running"' && test -e ready; do kill -0 $! || exit 99; done
"$runtime" --root "$root" exec "$@"
status=$?
"$runtime" --root "$root" kill "$id" KILL
wait
exit $status
`;

async function run(t: ExecutionContext, runtime: string, flags: readonly string[], program: readonly string[]) {
  const args = ['/bin/sh', '-c', 'echo > /ready; exec sleep 1000'];
  const writable = (config: Parameters<typeof withArguments>[0]) => ({ ...withArguments(config, args), root: { path: 'rootfs' } });
  const { id, path } = await makeBundle(t, (config) => ({ ...all(change, writable)(config), ociVersion: '1.0.0' }));
  await execa('ln', ['-s', 'rootfs/ready', 'ready'], { cwd: path });
  const words = [runtime, `${path}/state`, id, ...flags, id, ...program];
  return execa('unshare', ['--mount', 'sh', '-c', script, 'sh', ...words], { cwd: path, reject: false, input: '', timeout: 30_000 });
}
