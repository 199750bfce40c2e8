// Bundles the supervisor: dist/start.js is everything that a start needs and nothing else, run by dist/start.cjs; what it imports
// dynamically and a start does not need comes in files of their own, loaded when asked for. CommonJS, as it loads quicker than modules.
// The same for the small engine, to be compiled: .cache/engine/*.js; what is missing there is Node's to run.
// The image commands, dist/images.cjs: a program of its own, always Node's.
// And the API, dist/index.js: a module of its own.
import { execFileSync } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { opTableDigest } from '../runtime/channel/frame.ts';

const lazyFiles = {
  'runtime/cli/cold-commands.ts': 'cold-commands.cjs',
  'runtime/cli/control-commands.ts': 'control-commands.cjs',
  'runtime/cli/checkpoint-commands.ts': 'checkpoint-commands.cjs',
  'runtime/cli/rootfs-config.ts': 'rootfs-config.cjs',
  'runtime/cli/handle-failure.ts': 'handle-failure.cjs',
  'runtime/plan/seccomp/compile.ts': 'compile-seccomp.cjs',
  'runtime/plan/scope.ts': 'scope.cjs',
};

// yargs and what else wants a whole Node
const nodeOnly = ['runtime/cli/cold-commands.ts'];

const common = {
  define: { KRUN_COMMIT: JSON.stringify(commit()), OP_TABLE_DIGEST: String(opTableDigest()) },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  // A dynamic import becomes a require: Node's module loader would cost milliseconds.
  supported: { 'dynamic-import': false },
};

// load.cjs compiles it as one expression, from Latin-1.
const asFunction = { banner: { js: '(function(require,module){' }, footer: { js: '})' }, charset: 'ascii' };

const lazyElsewhere = {
  name: 'lazy-elsewhere',
  setup({ onResolve }) {
    onResolve({ filter: /\.ts$/ }, ({ path, kind, resolveDir }) => {
      const entry = Object.keys(lazyFiles).find((file) => join(resolveDir, path) === resolve(file));
      if (entry === undefined) return;
      if (kind === 'dynamic-import') return { path: `./${lazyFiles[entry]}`, external: true };
      return { errors: [{ text: `the way to a start must import ${entry} dynamically` }] };
    });
  },
};

// What a resident supervisor leaves to others is not in its bundle; all else is, for what is loaded later could be of another build by then.
const forResident = {
  name: 'for-resident',
  setup({ onResolve }) {
    const recorded = resolve('runtime/supervisor/recorded-fs.ts');
    onResolve({ filter: /\/cold-commands\.ts$/ }, () => ({ path: resolve('runtime/supervisor/not-served-commands.ts') }));
    onResolve({ filter: /^node:fs$/ }, ({ importer }) => (importer === recorded ? undefined : { path: recorded }));
  },
};

// string-width costs 30 ms to load for the sake of emoji in help texts.
const plainStringWidth = {
  name: 'plain-string-width',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^string-width$/ }, () => ({ path: 'string-width', namespace: 'plain' }));
    onLoad({ filter: /.*/, namespace: 'plain' }, () => ({
      contents: `import { stripVTControlCharacters } from 'node:util';
        export default (text) => stripVTControlCharacters(text).length;`,
    }));
  },
};

// yargs, and who starts dist/layer, ask for their own place by import.meta.url, which CommonJS lacks.
const importMetaUrl = {
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { 'import.meta.url': 'importMetaUrl' },
};

// What the engine has in the place of Node's modules.
const engineModules = {
  'node:fs': 'runtime/engine/node/fs.ts',
  'node:os': 'runtime/engine/node/os.ts',
  'node:path': 'node_modules/path-browserify/index.js',
  'utf8.ts': 'runtime/engine/node/utf8.ts',
};

const nodeForEngine = {
  name: 'node-for-engine',
  setup({ onResolve }) {
    for (const [name, file] of Object.entries(engineModules))
      onResolve({ filter: new RegExp(`(^|/)${name}$`) }, ({ kind }) => (kind === 'entry-point' ? undefined : { path: resolve(file) }));
  },
};

const forEngine = {
  ...common,
  target: 'es2023',
  platform: 'neutral',
  format: 'esm', // a module's variables are found without a search
  inject: ['runtime/engine/node/globals.ts'],
  plugins: [nodeForEngine],
};

try {
  await Promise.all([
    build({ ...common, ...asFunction, entryPoints: ['runtime/supervisor/start.ts'], outfile: 'dist/start.js', plugins: [lazyElsewhere] }),
    build({
      ...common,
      ...asFunction,
      entryPoints: ['runtime/supervisor/resident.ts'],
      outfile: 'dist/resident.js',
      plugins: [forResident],
    }),
    ...Object.entries(lazyFiles).map(([entry, file]) =>
      build({
        ...common,
        ...importMetaUrl,
        define: { ...common.define, ...importMetaUrl.define },
        entryPoints: [entry],
        outfile: `dist/${file}`,
        plugins: [plainStringWidth],
      }),
    ),
    build({
      ...common,
      ...importMetaUrl,
      define: { ...common.define, ...importMetaUrl.define },
      entryPoints: ['runtime/image/main.ts'],
      outfile: 'dist/images.cjs',
      external: ['node:*'],
    }),
    build({ ...common, format: 'esm', minify: false, supported: {}, entryPoints: ['runtime/index.ts'], outfile: 'dist/index.js' }),
    build({
      ...forEngine,
      entryPoints: ['runtime/engine/start.ts'],
      outfile: '.cache/engine/start.js',
      plugins: [nodeForEngine, lazyElsewhere],
    }),
    ...Object.entries(lazyFiles)
      .filter(([entry]) => !nodeOnly.includes(entry))
      .map(([entry, file]) => build({ ...forEngine, entryPoints: [entry], outfile: `.cache/engine/${file.replace('.cjs', '.js')}` })),
  ]);
  await rm('dist/start.cache', { force: true });
  await copyFile('runtime/supervisor/load-resident.cjs', 'dist/resident.cjs');
  await copyFile('runtime/supervisor/load.cjs', 'dist/start.cjs');
} catch (error) {
  await rm('dist/start.cjs', { force: true }); // a half-made set must not look fresh
  if (error.errors === undefined) console.error(error); // esbuild has shown its own
  process.exitCode = 1;
}

// For --version; a tree without git has none.
function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
