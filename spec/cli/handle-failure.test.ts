import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { handleFailure } from '../../runtime/cli/handle-failure.ts';
import type { FailureReport } from '../../runtime/errors/failure-report.ts';
import { callerOf, type Effect, effectOf } from '../support/caller.ts';

const place = mkdtempSync(join(tmpdir(), 'krun-handle-failure-'));
mkdirSync(join(place, 'data'));
const mounts = [{ destination: '/etc/hosts', source: 'data', options: ['bind'] }];
writeFileSync(join(place, 'config.json'), JSON.stringify({ process: { args: ['app'], env: ['PATH=/opt'] }, mounts }));
test.after.always(() => rmSync(place, { recursive: true }));

async function explain(argv: readonly string[], report: Partial<FailureReport>): Promise<Effect> {
  const whole = { op: 'moveMount', index: 9, pointer: '', syscall: 'move_mount', errno: 20, path: '', detail: '', ...report };
  return effectOf(await handleFailure(callerOf(argv, { cwd: place }), whole));
}

test('a failed op is reported on stderr and in the log, with status 1', async (t) => {
  const report = { op: 'findProgram', syscall: 'execve', errno: 2, path: 'app', pointer: '/process/args/0' };
  const { stderr, files, status } = await explain(['--log', 'log', '--log-format', 'json', 'run', 'c1'], report);
  t.regex(stderr, /^krun: exec: "app": executable file not found in \$PATH\n {2}at: config\.json#\/process\/args\/0\n/);
  t.regex(stderr, /hint: process\.env has PATH=\/opt\n/);
  t.like(JSON.parse(files[join(place, 'log')] ?? ''), { level: 'error', code: 'E_NOT_FOUND', errno: 'ENOENT', pointer: '/process/args/0' });
  t.is(status, 1);
});

test('the bundle is looked at: a bind source that is a directory explains EINVAL', async (t) => {
  for (const argv of [
    ['run', 'c1'],
    ['run', '-b', place, 'c1'],
    ['run', place],
  ]) {
    const { stderr } = await explain(argv, { errno: 22, pointer: '/mounts/0', path: '/etc/hosts' });
    t.regex(stderr, /^krun: source is a directory, destination is a file\n/, argv.join(' '));
  }
});

test('a bundle that cannot be read any more is no second error', async (t) => {
  const { stderr } = await explain(['run', '-b', 'gone', 'c1'], { op: 'sethostname', syscall: 'sethostname', errno: 1 });
  t.regex(stderr, /^krun: hostname: operation not permitted\n/);
});

test('a log that cannot be written is reported on stderr and not written again', async (t) => {
  const report = { op: 'appendFile', syscall: 'open', errno: 2, path: '/nowhere/log' };
  const { stderr, files } = await explain(['--log', '/nowhere/log', 'state', 'c1'], report);
  t.regex(stderr, /^krun: the log cannot be written \("\/nowhere\/log"\): no such file or directory\n/);
  t.deepEqual(files, {});
});
