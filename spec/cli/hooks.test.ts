import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { isRoot } from '../support/change-config.ts';
import { type KrunResult, withArguments } from '../support/krun.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';

type Hooks = NonNullable<Config['hooks']>;
type Name = keyof Hooks;

const names = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const satisfies readonly Name[];

// Each hook of the host appends a line to a file of the bundle; startContainer's to a file in the container.
const script = '{ printf "%s " "$1"; cat; printf " %s %s\\n" "$(pwd)" "$(readlink /proc/self/ns/mnt)"; }';

function recording(bundle: string, name: Name): { path: string; args: string[] } {
  const log = name === 'startContainer' ? '/log' : join(bundle, 'log');
  return { path: '/bin/sh', args: ['sh', '-c', `${script} >> ${log}`, 'hook', name] };
}

async function prepare(t: ExecutionContext, change: (hooks: Hooks, bundle: Bundle) => Hooks = (hooks) => hooks) {
  const bundle = await makeBundle(t, (config) => withArguments({ ...config, root: { path: 'rootfs' } }, ['/bin/true']));
  const path = join(bundle.path, 'config.json');
  const hooks: Hooks = Object.fromEntries(names.map((name) => [name, [recording(bundle.path, name)]]));
  const config = JSON.parse(await readFile(path, 'utf8')) as Config;
  await writeFile(path, JSON.stringify({ ...config, annotations: { key: 'value' }, hooks: change(hooks, bundle) }));
  const krun = (...args: string[]): Promise<KrunResult> => runApart(['--root', join(bundle.path, 'state'), ...args]);
  t.teardown(() => krun('delete', '--force', bundle.id));
  return { bundle, krun };
}

interface Line {
  readonly name: string;
  readonly state: Readonly<Record<string, unknown>>;
  readonly directory: string;
  readonly namespace: string;
}

async function linesOf(path: string): Promise<Line[]> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  return lines.map((line) => {
    const [, name = '', state = '', directory = '', namespace = ''] = /^(\S+) (\{.*\}) (\S+) (\S*)$/.exec(line) ?? [];
    return { name, state: JSON.parse(state), directory, namespace };
  });
}

for (const verb of ['run', 'create and start'] as const) {
  test(`${verb}: all six hooks run in order, each with its state, in its directory and namespaces`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { bundle, krun } = await prepare(t);
    if (verb === 'run') t.like(await krun('run', '--bundle', bundle.path, bundle.id), { status: 0, stderr: '' });
    else {
      t.like(await krun('create', '--bundle', bundle.path, bundle.id), { status: 0, stderr: '' });
      t.deepEqual(
        (await linesOf(join(bundle.path, 'log'))).map(({ name }) => name),
        ['prestart', 'createRuntime', 'createContainer'],
      );
      t.deepEqual(await linesOf(join(bundle.rootfs, 'log')), []);
      t.like(await krun('start', bundle.id), { status: 0, stderr: '' });
      while (!(await krun('state', bundle.id)).stdout.includes('"stopped"'));
      t.like(await krun('delete', bundle.id), { status: 0, stderr: '' });
    }
    const lines = await linesOf(join(bundle.path, 'log'));
    t.deepEqual(
      lines.map(({ name }) => name),
      ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'],
    );
    t.deepEqual(
      lines.map(({ state }) => state.status),
      ['creating', 'creating', 'creating', 'running', 'stopped'],
    );
    for (const { state } of lines)
      t.like(state, { ociVersion: '1.3.0', id: bundle.id, bundle: bundle.path, annotations: { key: 'value' } });
    const [prestart, , createContainer, poststart, poststop] = lines;
    t.true((prestart?.state.pid as number) > 1);
    t.is(poststart?.state.pid, prestart?.state.pid);
    t.is(createContainer?.state.pid, 1);
    t.is(poststop?.state.pid, undefined);
    t.deepEqual(
      lines.map(({ directory }) => directory),
      [bundle.path, bundle.path, bundle.rootfs, bundle.path, bundle.path],
    );
    t.not(createContainer?.namespace, prestart?.namespace);
    const [inside] = await linesOf(join(bundle.rootfs, 'log'));
    t.like(inside, { name: 'startContainer', directory: '/', state: { status: 'created', pid: 1 } });
  });
}

const failing = { path: '/bin/sh', args: ['sh', '-c', 'echo last words >&2; exit 7'] };

for (const name of ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart'] as const) {
  test(`a ${name} hook that fails ends the container, says how, and poststop runs`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { bundle, krun } = await prepare(t, ({ poststop = [] }) => ({ [name]: [failing], poststop }));
    const ran = await krun('run', '--bundle', bundle.path, bundle.id);
    t.is(ran.status, 1);
    t.regex(
      ran.stderr,
      new RegExp(`${name} hook #0 .*exit status 7 after \\d+ ms: last words[\\s\\S]*/hooks/${name}/0[\\s\\S]*code: E_HOOK`),
    );
    t.deepEqual(
      (await linesOf(join(bundle.path, 'log'))).map((line) => line.name),
      ['poststop'],
    );
    t.regex((await krun('state', bundle.id)).stderr, /E_NO_CONTAINER/);

    const isLate = name === 'startContainer' || name === 'poststart';
    t.is((await krun('create', '--bundle', bundle.path, bundle.id)).status, isLate ? 0 : 1);
    if (!isLate) return;
    t.regex((await krun('start', bundle.id)).stderr, new RegExp(`${name} hook #0[\\s\\S]*code: E_HOOK`));
    t.regex((await krun('state', bundle.id)).stdout, /"stopped"/);
    t.is((await krun('delete', bundle.id)).status, 0);
    t.is((await linesOf(join(bundle.path, 'log'))).length, 2);
  });
}

test('poststop hooks that fail are warned of, and the others run', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, krun } = await prepare(t, ({ poststop = [] }) => ({ poststop: [failing, ...poststop, { path: '/nowhere' }] }));
  const { status, stderr } = await krun('run', '--bundle', bundle.path, bundle.id);
  t.is(status, 0);
  t.regex(stderr, /level=warning .*poststop hook #0 .*last words[\s\S]*level=warning .*poststop hook #2 .*no such file/);
  t.deepEqual(
    (await linesOf(join(bundle.path, 'log'))).map(({ name }) => name),
    ['poststop'],
  );
});

test('a hook that runs longer than its timeout is killed, and its output need not be closed for it to end', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const slow = { path: '/bin/sh', args: ['sh', '-c', 'sleep 60; true'], timeout: 1 };
  const { bundle, krun } = await prepare(t, () => ({
    createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 20 & exit 0'] }, slow],
  }));
  const begun = Date.now();
  const { stderr } = await krun('run', '--bundle', bundle.path, bundle.id);
  t.regex(stderr, /createRuntime hook #1 .*ran past specified timeout of 1s/);
  t.true(Date.now() - begun < 15_000);
});

test('of a long output the error shows the end', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const loud = { path: '/bin/sh', args: ['sh', '-c', 'seq 1 100000; echo the end; exit 1'] };
  const { bundle, krun } = await prepare(t, () => ({ prestart: [loud] }));
  const { stderr } = await krun('run', '--bundle', bundle.path, bundle.id);
  t.regex(stderr, /99999; 100000; the end/);
  t.true(stderr.length < 2000);
});

test('edits of config.json after create do not change which hooks run', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, krun } = await prepare(t);
  await krun('create', '--bundle', bundle.path, bundle.id);
  await writeFile(join(bundle.path, 'config.json'), '{}');
  t.is((await krun('start', bundle.id)).status, 0);
  t.is((await krun('delete', '--force', bundle.id)).status, 0);
  t.deepEqual((await linesOf(join(bundle.path, 'log'))).map(({ name }) => name).slice(-2), ['poststart', 'poststop']);
});
