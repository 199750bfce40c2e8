// spec and validate: the commands that look at a bundle without running it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { handleCommand } from '../../runtime/cli/handle.ts';
import { validateConfig } from '../../runtime/config/config.ts';
import type { Caller } from '../../runtime/container/caller.ts';
import { callerOf, type Effect, effectOf } from '../support/caller.ts';

const place = mkdtempSync(join(tmpdir(), 'krun-bundle-commands-'));
test.after.always(() => rmSync(place, { recursive: true }));

async function call(argv: readonly string[], overrides: Partial<Caller> = {}): Promise<Effect> {
  return effectOf(await handleCommand(callerOf(argv, { cwd: place, ...overrides })));
}

function bundle(name: string, config: string): string {
  mkdirSync(join(place, name, 'rootfs'), { recursive: true });
  writeFileSync(join(place, name, 'config.json'), config);
  return name;
}

const sound = { ociVersion: '1.3.0', root: { path: 'rootfs' }, process: { cwd: '/', args: ['sh'], user: { uid: 0, gid: 0 } } };

test('spec makes config.json in the bundle, and never over one that exists', async (t) => {
  const plan = await handleCommand(callerOf(['spec', '-b', 'somewhere'], { cwd: place }));
  t.like(plan[0], { op: 'createFile', path: join(place, 'somewhere/config.json'), mode: 0o644 });
});

test('what spec writes is valid, for root and with --rootless, and can be run at once', async (t) => {
  for (const argv of [['spec'], ['spec', '--rootless']]) {
    const { files, status } = await call(argv, { uid: 1000, gid: 1000, env: new Map([['XDG_RUNTIME_DIR', '/run/user/1000']]) });
    const config = JSON.parse(files[join(place, 'config.json')] ?? '');
    t.deepEqual(validateConfig(config).problems, []);
    t.is(config.process.terminal, true);
    t.is(config.linux.uidMappings === undefined, argv.length === 1);
    t.is(status, 0);
  }
});

test('validate says nothing of a sound bundle', async (t) => {
  t.deepEqual(await call(['validate', bundle('sound', JSON.stringify(sound))]), { stdout: '', stderr: '', files: {}, status: 0 });
  t.is((await call(['validate', 'sound/config.json'])).status, 0);
  t.is((await call(['validate'], { cwd: join(place, 'sound') })).status, 0);
});

test('validate reports every problem in one pass, each with its place', async (t) => {
  const broken = { ...sound, process: { ...sound.process, cwd: 'relative', user: { uid: -1, gid: 0 } }, mounts: [{ source: 'x' }] };
  const { stdout, status } = await call(['validate', bundle('broken', JSON.stringify(broken))]);
  for (const pointer of ['/process/cwd', '/process/user/uid', '/mounts/0/destination'])
    t.true(stdout.includes(`config.json#${pointer}: error: `), stdout);
  t.is(status, 1);
});

test('validate --json prints a list that programs can read', async (t) => {
  bundle('json', JSON.stringify({ ...sound, mounts: [{ source: 'x' }] }));
  const problems = JSON.parse((await call(['validate', '--json', 'json'])).stdout);
  t.like(problems[0], { pointer: '/mounts/0/destination', severity: 'error', code: 'E_CONFIG' });
});

test('an unknown property is a warning, and with --strict an error', async (t) => {
  bundle('typo', JSON.stringify({ ...sound, hostnam: 'x' }));
  const lenient = await call(['validate', 'typo']);
  t.regex(lenient.stdout, /#\/hostnam: warning: /);
  t.is(lenient.status, 0);
  t.is((await call(['validate', '--strict', 'typo'])).status, 1);
});

test('text that is no JSON is a problem like any other', async (t) => {
  bundle('text', '{ "ociVersion": ');
  const { stdout, status } = await call(['validate', 'text']);
  t.regex(stdout, /config\.json#\/ociVersion: error: .*\(E_CONFIG_JSON\)/);
  t.is(status, 1);
});

test('a missing bundle is an error of its own', async (t) => {
  const { stderr, status } = await call(['validate', 'nowhere']);
  t.regex(stderr, /there is no such file[\s\S]*code: E_BUNDLE/);
  t.is(status, 1);
});

test('a root that is not there is told', async (t) => {
  bundle('rootless', JSON.stringify({ ...sound, root: { path: 'missing' } }));
  t.regex((await call(['validate', 'rootless'])).stdout, /#\/root\/path: warning: /);
});
