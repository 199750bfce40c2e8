import test from 'ava';
import { errorPlan, renderText, warningOps } from '../../runtime/cli/report.ts';
import type { LogOptions } from '../../runtime/container/options.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { effectOf } from '../support/caller.ts';

const now = new Date('2026-11-22T15:04:05.678Z');
const toStderr: LogOptions = { file: null, format: 'text', level: 'info' };
const error = new KrunError('E_BAD_MOUNT', 'source is a directory, destination is a file', {
  pointer: '/mounts/3',
  op: 'moveMount',
  syscall: 'move_mount',
  errno: 'ENOTDIR',
  path: '/etc/hosts',
  hint: 'both must be directories, or both files',
});

test('an error is one line of cause, then where, what the kernel said, the remedy and the code', (t) => {
  t.is(
    renderText(error),
    `krun: source is a directory, destination is a file
  at: config.json#/mounts/3
  doing: moveMount
  kernel: move_mount "/etc/hosts" ENOTDIR
  hint: both must be directories, or both files
  code: E_BAD_MOUNT
`,
  );
  t.is(renderText(new KrunError('E_USAGE', 'no')), 'krun: no\n  code: E_USAGE\n');
  t.is(renderText(new KrunError('E_STATE', 'no', { path: '/x' })), 'krun: no\n  path: "/x"\n  code: E_STATE\n');
});

test('without --log the error stands once, on stderr, in the format asked for', (t) => {
  const text = effectOf(errorPlan(error, 1, { log: toStderr, now }));
  t.deepEqual(text, { stdout: '', stderr: renderText(error), files: {}, status: 1 });
  const json = effectOf(errorPlan(error, 1, { log: { ...toStderr, format: 'json' }, now }));
  t.deepEqual(JSON.parse(json.stderr), {
    level: 'error',
    msg: 'source is a directory, destination is a file (config.json#/mounts/3)',
    time: '2026-11-22T15:04:05Z',
    code: 'E_BAD_MOUNT',
    pointer: '/mounts/3',
    op: 'moveMount',
    syscall: 'move_mount',
    errno: 'ENOTDIR',
    path: '/etc/hosts',
    hint: 'both must be directories, or both files',
  });
});

test('with --log the file gets one JSON object, all of it, and stderr the text', (t) => {
  const { stderr, files } = effectOf(errorPlan(error, 1, { log: { file: '/log', format: 'json', level: 'info' }, now }));
  t.is(stderr, renderText(error));
  t.is(JSON.parse(files['/log'] ?? '').level, 'error');
  t.regex(files['/log'] ?? '', /^[^\n]+\n$/);
});

test('with --log and format text the file gets a line of key=value', (t) => {
  const { files } = effectOf(errorPlan(error, 1, { log: { file: '/log', format: 'text', level: 'info' }, now }));
  t.regex(files['/log'] ?? '', /^time="2026-11-22T15:04:05Z" level=error msg="source .*" code="E_BAD_MOUNT" [^\n]+\n$/);
});

test('stderr is written first, so that a log that cannot be written does not hide the error', (t) => {
  const plan = errorPlan(error, 1, { log: { file: '/log', format: 'json', level: 'info' }, now });
  t.deepEqual(
    plan.map(({ op }) => op),
    ['write', 'appendFile', 'exit'],
  );
});

test('what does not apply is left out of the JSON', (t) => {
  const { stderr } = effectOf(errorPlan(new KrunError('E_USAGE', 'no'), 1, { log: { ...toStderr, format: 'json' }, now }));
  t.deepEqual(Object.keys(JSON.parse(stderr)), ['level', 'msg', 'time', 'code']);
});

test('control characters never reach the terminal', (t) => {
  const text = renderText(new KrunError('E_FILE', 'a\u001b[31mb\nc\u009bd\u007f', { hint: '\u2028' }));
  t.is(text, 'krun: a\\u001b[31mb\\nc\\u009bd\\u007f\n  hint: \\u2028\n  code: E_FILE\n');
});

test('with --debug the stack of a fault is shown', (t) => {
  const fault = new KrunError('E_INTERNAL', 'a fault', { cause: new TypeError('x') });
  t.regex(effectOf(errorPlan(fault, 1, { log: { ...toStderr, level: 'debug' }, now })).stderr, /\n {2}at .*report\.test/);
  t.notRegex(effectOf(errorPlan(fault, 1, { log: toStderr, now })).stderr, /report\.test/);
});

test('a warning goes to the log alone, and only if its level is logged', (t) => {
  const warnings = [{ message: 'CAP_NEW is not known', pointer: '/process/capabilities/bounding/0' }];
  const logged = effectOf(warningOps(warnings, { log: { file: '/log', format: 'json', level: 'info' }, now }));
  t.is(logged.stderr, '');
  t.is(JSON.parse(logged.files['/log'] ?? '').level, 'warning');
  t.deepEqual(warningOps(warnings, { log: { file: '/log', format: 'json', level: 'error' }, now }), []);
});
