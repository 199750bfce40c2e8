import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot, runProgram } from '../support/api.ts';

test('the package exports the API by its name, and nothing else', async (t) => {
  const { stdout } = await runProgram(`console.log(Object.keys(await import('krun')).sort().join(' '));
    await import('krun/runtime/index.ts').catch(({ code }) => console.log(code));`);
  t.is(stdout, 'Container ContainerProcess Krun KrunError defaultConfig errorCodes\nERR_PACKAGE_PATH_NOT_EXPORTED\n');
});

test('importing it starts nothing and leaves nothing open', async (t) => {
  const source = `import { readdirSync } from 'node:fs';
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    const { Krun } = await import('krun');
    new Krun({ root: '/nowhere' });
    console.log(descriptors() - before);`;
  t.deepEqual(await runProgram(source), { status: 0, stdout: '0\n', stderr: '' });
});

const typed = `import { type ConfigInput, type ContainerEvent, defaultConfig, type ExitStatus, Krun, KrunError } from 'krun';
  const krun = new Krun();
  const config: ConfigInput = { ociVersion: '1.3.0', root: { path: '/' }, linux: { resources: { memory: { limit: 1024 } } } };
  const piped = await krun.run({ rootfs: '/', config });
  piped.stdout.pipe(piped.stdin);
  const ignored = await krun.run({ bundle: '.', stdin: 'ignore' });
  ignored.stdin?.end();
  const end: ExitStatus | null = await krun.wait('c1');
  for await (const event of krun.events('c1')) { const each: ContainerEvent = event; void each; }
  void [defaultConfig().process?.args, end?.exitCode, new KrunError('E_USAGE', 'no').pointer];`;

const mistaken: readonly (readonly [what: string, source: string])[] = [
  ['an option that is none', `import { Krun } from 'krun'; await new Krun().run({ bundle: '.', detached: true });`],
  ['a stream that may be null', `import { Krun } from 'krun'; (await new Krun().run({ bundle: '.', stdin: 'ignore' })).stdin.end();`],
  ['a configuration that is none', `import { Krun } from 'krun'; await new Krun().run({ config: { ociVersion: 1 } });`],
  ['an error code that is none', `import { KrunError } from 'krun'; new KrunError('E_NOTHING', '');`],
];

test('the types of the package are whole, and let through what is right', async (t) => {
  t.is(await complaintsAbout(t, typed), '');
});

for (const [what, source] of mistaken)
  test(`the types of the package refuse ${what}`, async (t) => {
    t.regex(await complaintsAbout(t, source), /^error TS\d+|program\.ts\(\d+,\d+\): error TS/m);
  });

// A program inside of the package may import it by its name; its types are those of dist.
async function complaintsAbout(t: { teardown: (undo: () => void) => void }, source: string): Promise<string> {
  const directory = mkdtempSync(join(packageRoot, '.cache/types-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'program.ts'), `${source}\nexport {};\n`);
  const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2024', lib: ['es2024', 'esnext.disposable'] };
  const options = { ...compilerOptions, types: ['node'], typeRoots: [join(packageRoot, 'node_modules/@types')] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }));
  const { stdout } = await execa('tsc', ['-p', directory], { reject: false, preferLocal: true, localDir: packageRoot });
  return stdout;
}
