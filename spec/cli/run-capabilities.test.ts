import test, { type ExecutionContext } from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withLinux, withProcess, withUserNamespace } from '../support/change-config.ts';
import { type KrunResult, runActions, runKrun, runProbe } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const none = '0000000000000000';
const sets = { kill: '0000000000000020', killAndBind: '0000000000000420', chown: '0000000000000001' };
const user = { uid: 1000, gid: 1000 };

test('the five sets of root are those of process.capabilities, each by itself', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const two = ['CAP_KILL', 'CAP_NET_BIND_SERVICE'];
  const capabilities = {
    bounding: [...two, 'CAP_CHOWN'],
    permitted: two,
    effective: two,
    inheritable: ['CAP_NET_BIND_SERVICE'],
    ambient: [],
  };
  const seen = (await runProbe(t, withProcess({ capabilities, noNewPrivileges: true }))).capabilities;
  const inheritable = '0000000000000400';
  const bounding = '0000000000000421';
  t.deepEqual(seen, { bounding, inheritable, permitted: sets.killAndBind, effective: sets.killAndBind, ambient: none });
  // Without no_new_privs execve(2) gives root what is in the bounding or inheritable set (capabilities(7)).
  const regained = (await runProbe(t, withProcess({ capabilities, noNewPrivileges: false }))).capabilities;
  t.deepEqual(regained, { bounding, inheritable, permitted: bounding, effective: bounding, ambient: none });
});

test('another user keeps, of all sets, only what is ambient', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_KILL', 'CAP_NET_BIND_SERVICE'];
  const capabilities = { bounding: names, permitted: names, effective: names, inheritable: names, ambient: ['CAP_KILL'] };
  const seen = (await runProbe(t, withProcess({ capabilities, user }))).capabilities;
  t.deepEqual(seen, {
    bounding: sets.killAndBind,
    inheritable: sets.killAndBind,
    permitted: sets.kill,
    effective: sets.kill,
    ambient: sets.kill,
  });
});

test('another user without ambient capabilities has none', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_KILL'];
  const seen = (await runProbe(t, withProcess({ capabilities: { bounding: names, permitted: names, effective: names }, user })))
    .capabilities;
  t.deepEqual(seen, { bounding: sets.kill, inheritable: none, permitted: none, effective: none, ambient: none });
});

test('without process.capabilities all sets are empty, for root and for others', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  for (const change of [withProcess({ user: { uid: 0, gid: 0 } }), withProcess({ user })]) {
    const { capabilities } = await runProbe(t, (config) => {
      const { capabilities: _, ...process } = change(config).process ?? { cwd: '/', args: [] };
      return { ...config, process };
    });
    t.deepEqual(new Set(Object.values(capabilities)), new Set([none]));
  }
});

test('inheritable and ambient are empty when nothing asks for them, whatever the caller has', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { capabilities } = await runProbe(t);
  t.deepEqual([capabilities.inheritable, capabilities.ambient], [none, none]);
});

test('an ambient capability that is not inheritable is warned of and left out', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const capabilities = { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'], ambient: ['CAP_KILL'] };
  const { status, stdout, stderr } = await runWithWarnings(t, withProcess({ capabilities, user }));
  t.is(status, 0, stderr);
  t.is((JSON.parse(stdout) as ProbeReport).capabilities.ambient, none);
  t.regex(stderr, /warning.*ambient/);
});

test('an unknown capability is warned of and ignored, and the others are given', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_KILL', 'CAP_TIME_TRAVEL'];
  const capabilities = { bounding: names, permitted: names, effective: names };
  const { status, stdout, stderr } = await runWithWarnings(t, withProcess({ capabilities }));
  t.is(status, 0, stderr);
  t.is((JSON.parse(stdout) as ProbeReport).capabilities.effective, sets.kill);
  t.regex(stderr, /warning.*CAP_TIME_TRAVEL/);
});

test('root of a user namespace has the capabilities of process.capabilities there, and no more', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_CHOWN'];
  const change = all(withUserNamespace(), withProcess({ capabilities: { bounding: names, permitted: names, effective: names } }));
  const seen = (await runProbe(t, change)).capabilities;
  t.deepEqual(seen, { bounding: sets.chown, permitted: sets.chown, effective: sets.chown, inheritable: none, ambient: none });
});

test('what a capability is needed for fails without it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const make = ['mknod', '/tmp/node', 'c', '1', '3'];
  const unmake = ['umount', '/dev/shm'];
  const outcomes = await runActions(t, (config) => withLinux({})({ ...config, root: { ...config.root, readonly: false } }), make, unmake);
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [1, 1],
  );
});

// Stderr is silent about a start that succeeds, unless asked.
async function runWithWarnings(t: ExecutionContext, change: ConfigChange): Promise<KrunResult> {
  const bundle = await makeBundle(t, change);
  return runKrun(['--log-level', 'warning', 'run', '--bundle', bundle.path, bundle.id]);
}
