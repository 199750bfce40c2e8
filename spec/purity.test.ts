import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const runtime = resolve(dirname(fileURLToPath(import.meta.url)), '../runtime');

// What each pure folder may import; of cgroup only what the plan reaches is pure.
const mayImport: Readonly<Record<string, readonly string[]>> = {
  // explain.ts wants the names of all ops, a type.
  errors: ['errors', 'plan/ops.ts'],
  config: ['config', 'errors'],
  cgroup: ['cgroup', 'config', 'errors'],
  plan: ['plan', 'cgroup', 'config', 'errors'],
  doctor: ['doctor', 'errors'],
};

// Effects that the language itself has; all others are globals of a platform, which the compiler does not know below.
const effects =
  /\bDate\b|\bglobalThis\b|\bMath\s*\.\s*random\b|\beval\s*\(|\bFunction\s*\(|\bimport\s*\(|\brequire\b|\bimport\.meta\b|\bAtomics\b/;

// Pure functions of the platform.
const pureGlobals = `
declare class TextDecoder { constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }); decode(bytes: Uint8Array): string }
declare class TextEncoder { encode(text: string): Uint8Array<ArrayBuffer>; encodeInto(text: string, into: Uint8Array): { read: number; written: number } }
`;

const files = pureFiles();

test('errors, config and plan import only each other, in one direction', (t) => {
  const strays = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => !isAllowed(file, target))
      .map((target) => `${name(file)} imports ${target}`),
  );
  t.deepEqual(strays, []);
});

test('errors, config and plan use no clock, no chance, no late import, no global object', (t) => {
  const strays = files.filter((file) => effects.test(withoutComments(file))).map(name);
  t.deepEqual(strays, []);
});

test('errors, config and plan compile where there is no process, no file, no timer, no network', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'krun-purity-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'globals.d.ts'), pureGlobals);
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(platformless(['globals.d.ts', ...files])));
  t.deepEqual(await missingNames(directory), []);
});

test('the compiler refuses a file that uses the platform', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'krun-purity-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeFileSync(
    join(directory, 'impure.ts'),
    "import 'node:fs';\nexport const x = [process.pid, fetch, console, setTimeout, performance, Buffer];\n",
  );
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(platformless(['impure.ts'])));
  const errors = (await missingNames(directory)).join();
  for (const word of ['node:fs', 'process', 'fetch', 'console', 'setTimeout', 'performance', 'Buffer'])
    t.true(errors.includes(`'${word}'`), word);
});

function pureFiles(): string[] {
  const found = new Set(['errors', 'config', 'plan', 'doctor'].flatMap((folder) => filesBelow(join(runtime, folder))));
  // A Set hands out what is added while it is walked.
  for (const file of found) {
    for (const target of importsOf(file)) if (target.startsWith('cgroup/')) found.add(join(runtime, target));
  }
  return [...found];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
}

// Targets below runtime/ by their path, others as they are written.
function importsOf(file: string): string[] {
  const imports = withoutComments(file).matchAll(/^(?:(?:import|export)\s[^'"=;()]*?\sfrom|import)\s*'([^']+)'/gm);
  const specifiers = [...imports].map(([, specifier = '']) => specifier);
  return specifiers.map((specifier) => (specifier.startsWith('.') ? relative(runtime, resolve(dirname(file), specifier)) : specifier));
}

function isAllowed(file: string, target: string): boolean {
  const [folder = ''] = name(file).split('/');
  return mayImport[folder]?.some((allowed) => target === allowed || target.startsWith(`${allowed}/`)) ?? false;
}

function name(file: string): string {
  return relative(runtime, file);
}

function withoutComments(file: string): string {
  return readFileSync(file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '');
}

function platformless(include: readonly string[]): unknown {
  return {
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024'],
      types: [],
      module: 'nodenext',
      allowImportingTsExtensions: true,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      noUncheckedSideEffectImports: true,
    },
    files: include,
  };
}

// What the compiler does not find; other errors are for `npm run types`.
function missingNames(directory: string): Promise<string[]> {
  const tsc = resolve(runtime, '../node_modules/.bin/tsc');
  return new Promise((settle) => {
    execFile(tsc, ['--project', directory], (_error, stdout) => settle(stdout.split('\n').filter((line) => line.includes('Cannot find '))));
  });
}
