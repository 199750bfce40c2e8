// Bundles the supervisor: dist/start.cjs is everything that a start needs and nothing else; dist/cli.cjs, loaded only when
// start.ts imports runtime/cli/main.ts dynamically, holds yargs and the rest. CommonJS, as it loads quicker than modules.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  logLevel: 'warning',
  // A dynamic import becomes a require: Node's module loader would cost milliseconds.
  supported: { 'dynamic-import': false },
};

// In the start bundle the lazy part is another file.
const lazyPart = {
  name: 'lazy-part',
  setup({ onResolve }) {
    onResolve({ filter: /\/cli\/main\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './cli.cjs', external: true } : { errors: [{ text: 'the way to a start must not load cli/main.ts' }] },
    );
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

// yargs asks for its own place by import.meta.url, which CommonJS lacks.
const importMetaUrl = {
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { 'import.meta.url': 'importMetaUrl' },
};

await Promise.all([
  build({ ...common, entryPoints: ['runtime/supervisor/start.ts'], outfile: 'dist/start.cjs', plugins: [lazyPart] }),
  build({ ...common, ...importMetaUrl, entryPoints: ['runtime/cli/main.ts'], outfile: 'dist/cli.cjs', plugins: [plainStringWidth] }),
]).catch(async (error) => {
  // A half-made pair must not look fresh.
  await rm('dist/start.cjs', { force: true });
  console.error(error.message);
  process.exit(1);
});
