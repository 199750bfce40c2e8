import test from 'ava';
import { Krun, type RunOptions } from '../../runtime/index.ts';

const krun = new Krun({ root: '/nowhere/krun' });

const bad: readonly (readonly [what: string, options: unknown, message: RegExp])[] = [
  ['no options', undefined, /must be an object/],
  ['nothing to run', {}, /give a bundle, a rootfs or a config/],
  ['an unknown option', { bundle: '.', detached: true }, /no option detached/],
  ['an id that is no string', { bundle: '.', id: 5 }, /id must be a string/],
  ['an empty path', { bundle: '' }, /bundle must be a path/],
  ['a rootfs beside a bundle', { bundle: '.', rootfs: '.' }, /exclude each other/],
  ['a rootfs without a program', { rootfs: '.' }, /needs args/],
  ['args beside a bundle', { bundle: '.', args: ['true'] }, /args go with a rootfs/],
  ['args that are one string', { rootfs: '.', args: 'true' }, /args must be an array of strings/],
  ['a stream that is none', { bundle: '.', stdout: 'overlapped' }, /stdout must be one of ignore, inherit, pipe/],
  ['a signal that is no AbortSignal', { bundle: '.', signal: 'SIGTERM' }, /signal must be an AbortSignal/],
  ['a time that is negative', { bundle: '.', stopTimeout: -1 }, /stopTimeout must be a number of milliseconds/],
  ['a configuration that is text', { config: '{}' }, /config must be an object/],
  ['an overlay without work', { rootfs: '.', args: ['true'], overlay: { upper: '/u' } }, /need each other/],
  ['an unknown part of overlay', { rootfs: '.', args: ['true'], overlay: { lower: [] } }, /no option lower/],
  ['a layer above a layer', { rootfs: '.', args: ['true'], ephemeral: true, overlay: { upper: '/u', work: '/w' } }, /exclude each other/],
];

for (const [what, options, message] of bad)
  test(`run and create refuse ${what}`, async (t) => {
    await t.throwsAsync(krun.run(options as RunOptions), { code: 'E_USAGE', message });
    await t.throwsAsync(krun.create(options as RunOptions), { code: 'E_USAGE', message });
  });

test('a near miss is told what it was probably meant to be', async (t) => {
  await t.throwsAsync(krun.run({ bundel: '.' } as RunOptions), { code: 'E_USAGE' });
  const error = await krun.run({ bundel: '.' } as RunOptions).catch((thrown: unknown) => thrown);
  t.like(error, { hint: 'did you mean bundle?' });
});

test('exec refuses what cannot be', async (t) => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /args must name a program/],
    [{ args: [] }, /args must name a program/],
    [{ args: ['true'], cwd: 'tmp' }, /cwd must be an absolute path/],
    [{ args: ['true'], env: { 'A=B': 'c' } }, /env has a name/],
    [{ args: ['true'], env: { A: 1 } }, /env.A must be a string/],
    [{ args: ['true'], user: { uid: -1 } }, /uid must be a whole number/],
    [{ args: ['true'], user: { uid: 0xffff_ffff } }, /uid must be a whole number/],
    [{ args: ['true'], user: { additionalGids: [1.5] } }, /array of group ids/],
    [{ args: ['true'], capabilities: ['CAP_SYS_ADMN'] }, /no capability/],
  ];
  for (const [options, message] of wrong) await t.throwsAsync(krun.exec('c1', options as { args: string[] }), { code: 'E_USAGE', message });
});

test('the other methods refuse what is no option, no id and no signal', async (t) => {
  t.throws(() => new Krun({ helpr: '/x' } as object), { code: 'E_USAGE', message: /no option helpr/ });
  t.throws(() => new Krun({ cgroupManager: 'systemd' } as object), { code: 'E_USAGE' });
  await t.throwsAsync(krun.state('a/b'), { code: 'E_BAD_ID' });
  await t.throwsAsync(krun.kill('c1', 'SIGKIL'), { code: 'E_USAGE', message: /unknown signal/ });
  await t.throwsAsync(krun.delete('c1', { forced: true } as object), { code: 'E_USAGE' });
  await t.throwsAsync(krun.wait('c1', { timeout: 5 } as object), { code: 'E_USAGE' });
  await t.throwsAsync(krun.events('c1', { interval: '5s' } as object).next(), { code: 'E_USAGE' });
  await t.throwsAsync(krun.update('c1', 5 as unknown as object), { code: 'E_USAGE' });
  await t.throwsAsync(krun.run({ bundle: '.', stopSignal: 'SIGNOTHING' }), { code: 'E_USAGE' });
});
