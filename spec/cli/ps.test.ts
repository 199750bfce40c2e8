import test from 'ava';
import { filterByPid } from '../../runtime/container/ps.ts';
import { skipWithoutCgroups } from '../support/cgroups.ts';
import { runKrun, startContainer } from '../support/krun.ts';

async function pidOf(id: string): Promise<number> {
  return (JSON.parse((await runKrun(['state', id])).stdout) as { pid: number }).pid;
}

test('ps as JSON is the pids on the host', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { bundle } = await startContainer(t);
  const { stdout, status } = await runKrun(['ps', '--format', 'json', bundle.id]);
  t.is(status, 0);
  t.deepEqual(JSON.parse(stdout), [await pidOf(bundle.id)]);
});

test("ps as a table is the host's, with the container's processes only, and takes its arguments", async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { bundle } = await startContainer(t);
  const pid = await pidOf(bundle.id);
  const [head, row, ...others] = (await runKrun(['ps', bundle.id])).stdout.split('\n');
  t.regex(head ?? '', /^UID +PID +PPID /);
  t.regex(row ?? '', new RegExp(`^root +${pid} .*/probe`));
  t.deepEqual(others.filter(Boolean), []);
  const chosen = await runKrun(['ps', bundle.id, '-e', '-o', 'pid,comm']);
  t.deepEqual(
    chosen.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/\s+/)),
    [
      ['PID', 'COMMAND'],
      [String(pid), 'probe'],
    ],
  );
});

test('ps without a column PID, with wrong arguments, or not on the PATH is an error', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id } = (await startContainer(t)).bundle;
  t.regex((await runKrun(['ps', id, '-o', 'args'])).stderr, /couldn't find PID field in ps output/);
  const wrong = await runKrun(['ps', id, '--nonsense']);
  t.is(wrong.status, 1);
  t.regex(wrong.stderr, /ended with status [1-9]\d*[\s\S]*E_SYSTEM/);
  t.regex((await runKrun(['ps', id], { env: { PATH: '/nowhere' } })).stderr, /"ps": executable file not found[\s\S]*E_NOT_FOUND/);
});

test('the column PID may stand anywhere, and other numbers are not taken for it', (t) => {
  const table = 'USER %CPU   PID COMMAND\nroot 12.0    34 a\nroot 34      12 b\n';
  t.is(filterByPid(table, new Set([34])), 'USER %CPU   PID COMMAND\nroot 12.0    34 a\n');
  t.is(filterByPid('  PID CMD\n    7 x\n', new Set()), '  PID CMD\n');
});
