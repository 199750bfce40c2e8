import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Config, Seccomp } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { type Bundle, baseConfig, makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withLinux, withProcess, writableRoot } from '../support/change-config.ts';
import { runKrun, withArguments } from '../support/krun.ts';
import { startAgent } from '../support/seccomp-agent.ts';
import { skipUnless } from '../support/skip.ts';

const { EEXIST, EPERM } = constants.errno;
const ENOMEDIUM = 123; // no other reason gives it
// Numbers of x86_64.
const nr = { close: 3, recvfrom: 45, getcwd: 79, mkdir: 83 };
const isSupported = isRoot && process.arch === 'x64';
const needs = 'root on x86_64';

function notifying(names: readonly string[], others: Partial<Seccomp> = {}): ConfigChange {
  const seccomp: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: 'agent',
    syscalls: [{ names: [...names], action: 'SCMP_ACT_NOTIFY' }],
    ...others,
  };
  return withLinux({ seccomp });
}

const late = withProcess({ noNewPrivileges: true });
const early = withProcess({ noNewPrivileges: false });
const program =
  (...args: readonly string[]): ConfigChange =>
  (config: Config) =>
    withArguments(config, args);

for (const [when, privileges] of [
  ['no_new_privs', late],
  ['CAP_SYS_ADMIN', early],
] as const) {
  test(`with ${when}, an agent answers the calls of SCMP_ACT_NOTIFY: one fails as it says, another goes on`, async (t) => {
    if (skipUnless(t, needs, isSupported)) return;
    const bundle = await makeBundle(
      t,
      all(
        privileges,
        writableRoot,
        notifying(['mkdir', 'getcwd'], { listenerMetadata: 'a "b"' }),
        (config) => ({ ...config, annotations: { key: 'value' } }),
        program('/probe', 'mkdir', '/new', ',', 'syscall', String(nr.getcwd), '0', '0'),
      ),
    );
    const agent = await startAgent(t, bundle.path, { [nr.mkdir]: ENOMEDIUM });
    const { status, stdout, stderr } = await run(bundle);
    t.is(status, 0, stderr);
    t.true(agent.calls().includes(nr.mkdir) && agent.calls().includes(nr.getcwd));
    t.regex(stdout, new RegExp(`"errno":${ENOMEDIUM}`));
    const { state, descriptors } = await agent.state();
    t.is(descriptors, 1);
    await agent.closed();
    t.like(state, { ociVersion: '1.3.0', fds: ['seccompFd'], metadata: 'a "b"' });
    const { pid } = state;
    t.deepEqual(state.state, {
      ociVersion: '1.3.0',
      id: bundle.id,
      status: 'creating',
      pid,
      bundle: bundle.path,
      annotations: { key: 'value' },
    });
  });
}

// Each of these is a call that krun itself makes under the filter: it must neither wait for itself nor lose the listener.
for (const [when, privileges] of [
  ['no_new_privs', late],
  ['CAP_SYS_ADMIN', early],
] as const) {
  for (const name of ['close', 'sendto', 'recvfrom', 'sendmsg', 'read', 'execve'] as const) {
    test(`with ${when}, SCMP_ACT_NOTIFY for ${name} does not hold up the start`, async (t) => {
      if (skipUnless(t, needs, isSupported)) return;
      const bundle = await makeBundle(t, all(privileges, notifying([name]), program('/probe', 'exit', '7')));
      await startAgent(t, bundle.path);
      const { status, stderr } = await run(bundle);
      t.is(status, 7, stderr);
      t.is((await runKrun(['create', '--bundle', bundle.path, bundle.id], { stdio: 'ignore' })).status, 0);
      t.teardown(() => runKrun(['delete', '--force', bundle.id]));
      t.like(await runKrun(['start', bundle.id]), { status: 0, stderr: '' });
    });
  }
}

test('an agent that refuses the very calls by which init hears of it does not hold up the start', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  const bundle = await makeBundle(t, all(late, notifying(['recvfrom', 'close']), program('/probe', 'exit', '7')));
  const agent = await startAgent(t, bundle.path, { [nr.recvfrom]: EPERM, [nr.close]: EPERM });
  const { status, stderr } = await run(bundle);
  t.is(status, 7, stderr);
  t.true(agent.calls().includes(nr.recvfrom));
});

test('a filter that refuses recvfrom outright does not hold up the start', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  const syscalls: Seccomp['syscalls'] = [
    { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' },
    { names: ['recvfrom', 'close'], action: 'SCMP_ACT_ERRNO' },
  ];
  const bundle = await makeBundle(t, all(late, notifying([], { syscalls }), program('/probe', 'mkdir', '/new')));
  const agent = await startAgent(t, bundle.path, { [nr.mkdir]: EEXIST });
  const { stdout, stderr } = await run(bundle);
  t.regex(stdout, new RegExp(`"errno":${EEXIST}`), stderr);
  t.deepEqual(agent.calls(), [nr.mkdir]);
});

test('create sends the state before it returns, and an exec sends one of its own', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  const bundle = await makeBundle(t, all(late, notifying(['mkdir'], { flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), sleeping));
  const agent = await startAgent(t, bundle.path, { [nr.mkdir]: ENOMEDIUM });
  t.like(await runKrun(['create', '--bundle', bundle.path, bundle.id], { stdio: 'ignore' }), { status: 0 });
  t.teardown(() => runKrun(['delete', '--force', bundle.id]));
  const { pid } = JSON.parse((await runKrun(['state', bundle.id])).stdout) as { pid: number };
  t.like((await agent.state()).state, { pid, state: { ociVersion: '1.3.0', id: bundle.id, status: 'creating', pid, bundle: bundle.path } });
  for (const status of ['created', 'running']) {
    const { stdout, stderr } = await runKrun(['exec', bundle.id, '/probe', 'mkdir', '/new']);
    t.regex(stdout, new RegExp(`"errno":${ENOMEDIUM}`), stderr);
    const { state, descriptors } = await agent.state();
    t.is(descriptors, 1);
    t.not(state.pid, pid);
    t.deepEqual(state.state, { ociVersion: '1.3.0', id: bundle.id, status, pid, bundle: bundle.path });
    if (status === 'created') t.is((await runKrun(['start', bundle.id])).status, 0);
  }
});

test('without an agent run, create and exec fail, name the path, and leave nothing', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  for (const privileges of [late, early]) {
    const bundle = await makeBundle(t, all(privileges, notifying(['mkdir']), sleeping));
    for (const command of ['run', 'create']) {
      const { status, stderr } = await runKrun([command, '--bundle', bundle.path, bundle.id]);
      t.is(status, 1);
      t.regex(stderr, /no seccomp agent can be reached[\s\S]*config\.json#\/linux\/seccomp\/listenerPath[\s\S]*E_SECCOMP/);
      t.true(stderr.includes(join(bundle.path, 'agent')));
      t.is((await runKrun(['state', bundle.id])).status, 1);
    }
  }
});

test('a program that is not there is the error that is told, and the agent hears nothing of it', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  const bundle = await makeBundle(t, all(late, notifying(['mkdir']), program('nosuch')));
  const { status, stderr } = await run(bundle); // no agent listens: had init come as far as its filter, that would be the error
  t.is(status, 1);
  t.regex(stderr, /code: E_NOT_FOUND/);
});

test('a state that is more than a socket takes at once comes whole', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  const bundle = await makeBundle(t, all(late, notifying(['mkdir']), program('true'), large));
  const agent = await startAgent(t, bundle.path);
  t.like(await run(bundle), { status: 0, stderr: '' });
  const { annotations } = (await agent.state()).state.state as Partial<Config>;
  t.is(annotations?.large?.length, large(baseConfig()).annotations.large.length);
});

for (const [when, privileges] of [
  ['no_new_privs', late],
  ['CAP_SYS_ADMIN', early],
] as const) {
  test(`with ${when}, a user without privileges can have an agent, for exec too`, async (t) => {
    if (skipUnless(t, `${needs}, to become another user`, isSupported)) return;
    const [uid, gid] = [1000, 1000];
    const { id, path } = await makeBundle(t, () =>
      all(privileges, notifying(['mkdir']), sleeping, withProcess({ terminal: false }))(defaultConfig({ rootless: { uid, gid } })),
    );
    const agent = await startAgent(t, path, { [nr.mkdir]: ENOMEDIUM });
    await chmod(join(path, 'agent'), 0o777);
    await mkdir(join(path, 'run'), { mode: 0o700 });
    await chown(join(path, 'run'), uid, gid);
    const user = { uid, gid, cwd: path, env: { XDG_RUNTIME_DIR: join(path, 'run') } };
    t.teardown(() => runKrun(['delete', '--force', id], user));
    t.like(await runKrun(['run', '--detach', '--pid-file', join(path, 'run', 'pid'), id], { ...user, stdio: 'ignore' }), { status: 0 });
    t.is((await agent.state()).state.pid, Number(await readFile(join(path, 'run', 'pid'), 'utf8')));
    const { stdout, stderr } = await runKrun(['exec', id, '/probe', 'mkdir', '/tmp/new'], user);
    t.regex(stdout, new RegExp(`"errno":${ENOMEDIUM}`), stderr);
  });
}

for (const [when, privileges] of [
  ['no_new_privs', late],
  ['CAP_SYS_ADMIN', early],
] as const) {
  test(`with ${when} and --init the agent gets the listener of the child, and both pids`, async (t) => {
    if (skipUnless(t, needs, isSupported)) return;
    const bundle = await makeBundle(t, all(privileges, notifying(['mkdir', 'sendto']), program('/probe', 'mkdir', '/new')));
    const agent = await startAgent(t, bundle.path, { [nr.mkdir]: ENOMEDIUM });
    const { stdout, stderr } = await runKrun(['run', '--init', '--bundle', bundle.path, bundle.id], { timeout: 20_000 });
    t.regex(stdout, new RegExp(`"errno":${ENOMEDIUM}`), stderr);
    const { pid, state } = (await agent.state()).state;
    t.true(Number(state.pid) > 0);
    t.not(pid, state.pid);
  });
}

test('an agent that hangs up before it has read is an error, and nothing is left', async (t) => {
  if (skipUnless(t, needs, isSupported)) return;
  const bundle = await makeBundle(t, all(late, notifying(['mkdir']), sleeping, large));
  await startAgent(t, bundle.path, { 'hang-up': 'yes' });
  const { status, stderr } = await run(bundle);
  t.is(status, 1);
  t.regex(stderr, /listener cannot be sent[\s\S]*E_SECCOMP/);
  t.is((await runKrun(['state', bundle.id])).status, 1);
});

function large(config: Config): Config & { annotations: { large: string } } {
  return { ...config, annotations: { large: 'x'.repeat(1_000_000) } };
}

function sleeping(config: Config): Config {
  return withArguments(config, ['sleep', '1000']);
}

function run(bundle: Bundle) {
  return runKrun(['run', '--bundle', bundle.path, bundle.id], { timeout: 20_000 });
}
