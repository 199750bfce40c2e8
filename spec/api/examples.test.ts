import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../support/api.ts';
import { makeBundle } from '../support/bundle.ts';

// What each prints; its end is as good as the rest.
const expected: Readonly<Record<string, RegExp>> = {
  'run.mjs': /^I am 1 on krun\n\n\{ exitCode: 3, signal: null, status: 3 \}$/,
  'streams.mjs': /^\{ compressed: true, exitCode: 0, signal: null, status: 0 \}$/,
  'inherit.mjs': /^typed$/,
  'lifecycle.mjs': /^running true\nvalue\n \{ exitCode: 0, .*\}\n\{ exitCode: null, signal: 'SIGKILL', status: 137 \}$/,
  'abort.mjs': /^TimeoutError\nfalse$/,
  'errors.mjs': /code: 'E_NOT_FOUND',[\s\S]*pointer: '\/process\/args\/0',/,
  'events.mjs': /^(stats .*\n){3,}0$/,
  'many.mjs': /^328350$/,
};

test('each example of the documentation has its test', (t) => {
  t.deepEqual(readdirSync(join(packageRoot, 'examples')).sort(), Object.keys(expected).sort());
  const page = readFileSync(join(packageRoot, 'docs/API.md'), 'utf8');
  for (const name of Object.keys(expected)) t.true(page.includes(readFileSync(join(packageRoot, 'examples', name), 'utf8')), name);
});

for (const [name, output] of Object.entries(expected))
  test(`examples/${name} does what it says`, async (t) => {
    const { rootfs } = await makeBundle(t);
    for (const applet of ['tr', 'hostname']) symlinkSync('busybox', join(rootfs, 'bin', applet));
    const input = name === 'inherit.mjs' ? 'echo typed; exit 5\n' : '';
    const { stdout, stderr, exitCode } = await execa(process.execPath, [join('examples', name), rootfs], {
      cwd: packageRoot,
      input,
      timeout: 60_000,
      reject: false,
    });
    t.regex(stdout, output);
    t.is(stderr, '');
    t.is(exitCode, name === 'inherit.mjs' ? 5 : 0);
  });
