import test from 'ava';
import fc from 'fast-check';
import { type Config, readConfig, requireProcess, throwProblems, validateConfig } from '../../runtime/config/config.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { arbitraryConfig } from '../support/arbitrary-config.ts';
import { accepts, refuses, warns } from '../support/config-cases.ts';
import { changedConfig } from '../support/config-changes.ts';

// ── version, root, annotations, hooks ──
for (const version of ['1.0.0', '1.0.2-dev', '1.3.0', '1.99.7-rc.1+build.5']) accepts(`the version ${version}`, { '/ociVersion': version });
for (const version of [
  '',
  '1',
  '1.0',
  'v1.0.0',
  '1.0.0.0',
  '01.0.0',
  '1.0.0-',
  '1.0.0-01',
  '1.0.0-a..b',
  '1.0.0+',
  '1.0.0 ',
  '1.1e3.0',
  '0.5.0',
  '2.0.0',
  'NaN.0.0',
]) {
  refuses(`the version ${JSON.stringify(version)}`, { '/ociVersion': version }, 'E_CONFIG /ociVersion');
}
refuses('a configuration without a version', { '/ociVersion': undefined }, 'E_CONFIG /ociVersion');
refuses('a version that is a number', { '/ociVersion': 1.3 }, 'E_CONFIG /ociVersion');
refuses('a configuration without a root', { '/root': undefined }, 'E_CONFIG /root');
refuses('a root of null', { '/root': null }, 'E_CONFIG /root');
refuses('a root without a path', { '/root': {} }, 'E_CONFIG /root/path');
refuses('an empty root path', { '/root/path': '' }, 'E_CONFIG /root/path');
refuses('an annotation that is a number', { '/annotations': { a: 1 } }, 'E_CONFIG /annotations/a');
refuses('an annotation without a name', { '/annotations': { '': 'x' } }, 'E_CONFIG /annotations/');
accepts('annotations', { '/annotations': { 'com.example/a~b': '', 'org.criu.config': '/x' } });
accepts('hooks of all stages', {
  '/hooks': Object.fromEntries(
    ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((name) => [
      name,
      [{ path: '/bin/true', args: ['true'], env: ['A=1'], timeout: 1 }],
    ]),
  ),
});
refuses('a hook without a path', { '/hooks/prestart': [{ args: ['x'] }] }, 'E_CONFIG /hooks/prestart/0/path');
refuses('a hook with a relative path', { '/hooks/poststop': [{ path: 'true' }] }, 'E_CONFIG /hooks/poststop/0/path');
refuses('a hook with a timeout of 0', { '/hooks/poststart': [{ path: '/x', timeout: 0 }] }, 'E_CONFIG /hooks/poststart/0/timeout');
refuses(
  'a hook with a broken environment',
  { '/hooks/createRuntime': [{ path: '/x', env: ['A'] }] },
  'E_CONFIG /hooks/createRuntime/0/env/0',
);

// ── null, unknown properties, other platforms ──
accepts('null for whatever is optional', {
  '/mounts': null,
  '/hooks': null,
  '/linux/seccomp': null,
  '/process/rlimits': null,
  '/linux/resources/memory': { limit: null },
});
accepts('blocks of other platforms, whatever they hold,', { '/windows': 1, '/solaris': [], '/vm': {}, '/zos': null, '/freebsd': 'x' });
warns('an unknown property', { '/linux/namespace': [], '/x~1y': 1 }, 'E_CONFIG /linux/namespace', 'E_CONFIG /x~1y');
test('an unknown property is told the nearest known one', (t) => {
  const { problems } = validateConfig(changedConfig({ '/linux/maskPaths': [], '/process/Cwd': '/', '/zzzzzzzzzz': 1 }));
  t.deepEqual(
    problems.map(({ hint }) => hint),
    ['did you mean "cwd"?', 'did you mean "maskedPaths"?', undefined],
  );
});
test('a misspelt name of a value is told the nearest one', (t) => {
  const { problems } = validateConfig(changedConfig({ '/linux/namespaces/0/type': 'net', '/process/rlimits/0/type': 'NOFILE' }));
  t.deepEqual(
    problems.map(({ hint }) => hint),
    ['did you mean "RLIMIT_NOFILE"?', 'did you mean "network"?'],
  );
});

// ── the whole ──
for (const value of [null, undefined, 1, 'x', [], true, () => 1]) {
  test(`${String(JSON.stringify(value) ?? typeof value)} in place of a configuration is refused at the root`, (t) => {
    const { config, problems } = validateConfig(value);
    t.is(config, undefined);
    t.deepEqual(
      problems.map(({ pointer }) => pointer),
      [''],
    );
    t.regex(problems[0]?.message ?? '', /^the configuration must be an object/);
  });
}

test('all problems are found in one pass', (t) => {
  const changes = {
    '/process/cwd': 'x',
    '/process/rlimits/0/type': 'X',
    '/linux/namespaces/0/type': 'X',
    '/hostname': 'x'.repeat(65),
    '/ociVersion': 'x',
  };
  const { problems } = validateConfig(changedConfig(changes));
  t.deepEqual(problems.map(({ pointer }) => pointer).sort(), Object.keys(changes).sort());
});

test('thousands of problems are cut short, and still refused', (t) => {
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`property${index}`, 1]));
  const { config, problems } = validateConfig({ ...(changedConfig({ '/process/cwd': 'x' }) as object), linux: unknown, hostname: 1 });
  t.is(config, undefined);
  t.true(problems.length < 2001);
  t.true(problems.some(({ severity }) => severity === 'error'));
});

test('readConfig throws the first error with its pointer, and says how many more there are', (t) => {
  const text = JSON.stringify(changedConfig({ '/process/cwd': 'x', '/root/path': 1, '/linux/namespaces/0/type': 'pidd' }));
  const error = t.throws(() => readConfig(text), { instanceOf: KrunError }) as KrunError;
  t.is(error.code, 'E_CONFIG');
  t.is(error.pointer, '/process/cwd');
  t.is(error.message, 'cwd must be an absolute path, not "x" (and 2 more: see krun validate)');
});

test('strict makes errors of warnings', (t) => {
  const text = JSON.stringify(changedConfig({ '/x': 1 }));
  t.notThrows(() => readConfig(text));
  t.is((t.throws(() => readConfig(text, { strict: true })) as KrunError).pointer, '/x');
});

test('control characters of the document do not reach a message', (t) => {
  const { problems } = validateConfig(
    changedConfig({ '/\u001b[31mred\n': 1, '/process/cwd': '\u001b[2J\n', '/linux/sysctl': { '\u001b\n': '1' } }),
  );
  t.true(problems.length >= 3);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  for (const { message } of problems) t.notRegex(message, /[\u0000-\u001f]/);
});

test('a process is required to start', (t) => {
  const config = readConfig(JSON.stringify(changedConfig({ '/process': undefined })));
  t.is((t.throws(() => requireProcess(config)) as KrunError).pointer, '/process');
  t.is(requireProcess(readConfig(JSON.stringify(changedConfig({})))).cwd, '/');
});

test('__proto__ as a name is harmless everywhere', (t) => {
  const text = JSON.stringify(changedConfig({}))
    .replace('"root":{', '"__proto__":{"hostname":1},"annotations":{"__proto__":"x"},"root":{"__proto__":{"path":1},')
    .replace('"namespaces"', '"timeOffsets":{"__proto__":{"secs":1}},"namespaces"');
  const { problems } = validateConfig(JSON.parse(text));
  t.true(problems.some(({ pointer }) => pointer === '/linux/timeOffsets/__proto__'));
  t.is(({} as { hostname?: unknown }).hostname, undefined);
});

// ── properties ──
test('random valid configurations are valid, and survive writing and reading', (t) => {
  fc.assert(
    fc.property(arbitraryConfig(), (config) => {
      t.deepEqual(readConfig(stringifyConfig(config)), validateConfig(config).config);
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('random mutations of valid configurations give problems with a pointer, never another exception', (t) => {
  const junk = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.bigInt(),
    fc.constantFrom(undefined, null, '', '\0', '\ud800', -1, 0.5, 2 ** 53, '__proto__', []),
  );
  fc.assert(
    fc.property(arbitraryConfig(), fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 4 }), (config, changes) => {
      let value: unknown = config;
      for (const [at, junkValue] of changes) value = mutate(value, at, junkValue);
      const { config: checked, problems } = validateConfig(value);
      t.is(
        checked === undefined,
        problems.some(({ severity }) => severity === 'error'),
      );
      for (const { pointer, message } of problems) {
        t.regex(pointer, /^(\/.*)*$/s);
        t.true(message.length > 0);
      }
      if (checked === undefined) t.throws(() => throwProblems(problems), { instanceOf: KrunError });
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('random mutations of the text give a KrunError or a configuration', (t) => {
  const texts = arbitraryConfig().map((config: Config) => stringifyConfig(config));
  fc.assert(
    fc.property(texts, fc.nat(), fc.string({ maxLength: 3 }), (text, at, junk) => {
      const place = at % text.length;
      try {
        readConfig(`${text.slice(0, place)}${junk}${text.slice(place + 1)}`);
      } catch (error) {
        t.true(error instanceof KrunError && (error.code === 'E_CONFIG_JSON' || error.pointer !== undefined), String(error));
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

// Replaces the at-th value of the tree.
function mutate(value: unknown, at: number, junk: unknown): unknown {
  let count = 0;
  const total = size(value);
  const walk = (node: unknown): unknown => {
    if (count++ === at % total) return junk;
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([name, entry]) => [name, walk(entry)]));
  };
  return walk(value);
}

function size(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, entry) => sum + size(entry), 1);
}
