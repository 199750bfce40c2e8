import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from '../../runtime/cli/parse.ts';
import { runOptions } from '../../runtime/cli/run-options.ts';
import { validateConfig } from '../../runtime/config/config.ts';
import type { Caller } from '../../runtime/container/caller.ts';
import type { RunOptions } from '../../runtime/container/options.ts';
import { callerOf } from '../support/caller.ts';

const place = mkdtempSync(join(tmpdir(), 'krun-run-options-'));
mkdirSync(join(place, 'bundle'));
writeFileSync(join(place, 'bundle/config.json'), '{}');
mkdirSync(join(place, 'bundle/inner'));
writeFileSync(join(place, 'bundle/inner/config.json'), '{}');
mkdirSync(join(place, 'empty'));
test.after.always(() => rmSync(place, { recursive: true }));

async function optionsOf(argv: readonly string[], overrides: Partial<Caller> = {}): Promise<RunOptions> {
  const line = parse(['run', ...argv]);
  if (line.problem !== null) throw line.problem;
  return runOptions(callerOf(argv, { cwd: place, ...overrides }), line);
}

test("runc's form: run [-b BUNDLE] ID, with the current directory as default", async (t) => {
  t.like(await optionsOf(['-b', 'bundle', 'c1']), { id: 'c1', bundle: join(place, 'bundle'), config: null });
  t.like(await optionsOf(['c1']), { id: 'c1', bundle: place });
  t.like(await optionsOf(['bundle'], { cwd: join(place, 'bundle') }), { id: 'bundle', bundle: join(place, 'bundle') });
});

test('the short form: run BUNDLE, with an id made up', async (t) => {
  for (const name of ['bundle', './bundle', 'bundle/', join(place, 'bundle')]) {
    t.like(await optionsOf([name]), { id: null, bundle: join(place, 'bundle') }, name);
  }
  t.like(await optionsOf(['.'], { cwd: join(place, 'bundle') }), { id: null, bundle: join(place, 'bundle') });
  t.like(await optionsOf(['-b', 'bundle']), { id: null, bundle: join(place, 'bundle') });
});

test('a mere name in a bundle is an id, even if a bundle below has that name', async (t) => {
  t.like(await optionsOf(['inner'], { cwd: join(place, 'bundle') }), { id: 'inner', bundle: join(place, 'bundle') });
  t.like(await optionsOf(['./inner'], { cwd: join(place, 'bundle') }), { id: null, bundle: join(place, 'bundle/inner') });
});

test('a directory without config.json is no bundle by its mere name', async (t) => {
  t.like(await optionsOf(['empty']), { id: 'empty', bundle: place });
});

test('run --rootfs DIR -- PROGRAM needs no bundle: its config is the default one, and valid', async (t) => {
  const { id, bundle, config } = await optionsOf(['--rootfs', 'r', '--', 'ls', '-l']);
  t.is(id, null);
  t.is(bundle, place);
  t.deepEqual(config?.root, { path: join(place, 'r'), readonly: true });
  t.deepEqual(config?.process?.args, ['ls', '-l']);
  t.is(config?.process?.terminal, false);
  t.deepEqual(validateConfig(config).problems, []);
  t.is((await optionsOf(['--rootfs', 'r', 'c1', '--', 'ls'])).id, 'c1');
});

test('with --ephemeral or an upper directory the root of --rootfs is writable', async (t) => {
  t.is((await optionsOf(['--rootfs', 'r', '--ephemeral', '--', 'ls'])).config?.root.readonly, false);
  const layered = await optionsOf(['--rootfs', 'r', '--overlay-upper', 'u', '--overlay-work', 'w', '--', 'ls']);
  t.is(layered.config?.root.readonly, false);
});

test('for an unprivileged caller --rootfs maps its own ids', async (t) => {
  const env = new Map([['XDG_RUNTIME_DIR', '/run/user/1000']]);
  const { config, root } = await optionsOf(['--rootfs', 'r', '--', 'ls'], { uid: 1000, gid: 1001, env });
  t.deepEqual(config?.linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  t.deepEqual(config?.linux?.gidMappings, [{ containerID: 0, hostID: 1001, size: 1 }]);
  t.is(root, '/run/user/1000/krun');
});

test('paths are made absolute by the caller’s directory', async (t) => {
  const options = await optionsOf([
    '--pid-file',
    'p',
    '--overlay-lower',
    'a',
    '--overlay-lower',
    '/b',
    '--overlay-upper=u',
    '--overlay-work=w',
    'c1',
  ]);
  t.is(options.pidFile, join(place, 'p'));
  t.deepEqual(options.overlay, { lowers: [join(place, 'a'), '/b'], upper: join(place, 'u'), work: join(place, 'w') });
});

test('what was not asked for is null, false or 0', async (t) => {
  t.like(await optionsOf(['c1']), {
    pidFile: null,
    preserveFds: 0,
    ephemeral: false,
    overlay: null,
    noNewKeyring: false,
    noSubreaper: false,
    keep: false,
    printId: false,
    root: '/run/krun',
    explicitRoot: false,
    cgroupManager: 'cgroupfs',
    rootless: 'auto',
  });
});

const refused: readonly [title: string, argv: readonly string[], code: string][] = [
  ['--no-pivot', ['--no-pivot', 'c1'], 'E_USAGE'],
  ['an empty --console-socket', ['--console-socket', '', 'c1'], 'E_USAGE'],
  ['an empty --pidfd-socket', ['--pidfd-socket', '', 'c1'], 'E_USAGE'],
  ['nothing to run', [], 'E_USAGE'],
  ['an id with a space', ['a b'], 'E_BAD_ID'],
  ['an id of 256 characters', ['a'.repeat(256)], 'E_BAD_ID'],
  ['an empty id', [''], 'E_BAD_ID'],
  ['.. as the id of a bundle', ['-b', 'bundle', '..'], 'E_BAD_ID'],
  ['a slash in the id of a bundle', ['-b', 'bundle', 'a/b'], 'E_BAD_ID'],
  ['a program without --rootfs', ['c1', '--', 'ls'], 'E_USAGE'],
  ['--rootfs without a program', ['--rootfs', 'r'], 'E_USAGE'],
  ['--rootfs with an empty program', ['--rootfs', 'r', '--'], 'E_USAGE'],
  ['--rootfs with --bundle', ['--rootfs', 'r', '-b', 'b', '--', 'ls'], 'E_USAGE'],
  ['an upper directory without a work directory', ['--overlay-upper', 'u', 'c1'], 'E_USAGE'],
  ['--ephemeral with an upper directory', ['--ephemeral', '--overlay-upper', 'u', '--overlay-work', 'w', 'c1'], 'E_USAGE'],
  ['an empty --pid-file', ['--pid-file=', 'c1'], 'E_USAGE'],
  ['/ as --root', ['--root', '/', 'c1'], 'E_USAGE'],
];

for (const [title, argv, code] of refused) {
  test(`${title} is refused by ${code}`, async (t) => {
    await t.throwsAsync(optionsOf(argv), { code });
  });
}

test('an unprivileged caller without XDG_RUNTIME_DIR is told to give --root', async (t) => {
  await t.throwsAsync(optionsOf(['c1'], { uid: 1000 }), { code: 'E_USAGE', message: /XDG_RUNTIME_DIR/ });
});

test('--root is taken from the caller’s directory', async (t) => {
  t.like(await optionsOf(['--root', 'state', 'c1']), { root: join(place, 'state'), explicitRoot: true });
});
