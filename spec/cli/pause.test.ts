import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { hostFacts, skipWithoutCgroups } from '../support/cgroups.ts';
import { runKrun, startContainer } from '../support/krun.ts';

async function statusOf(id: string): Promise<string> {
  return (JSON.parse((await runKrun(['state', id])).stdout) as { status: string }).status;
}

/** The cgroup's directory on the host. */
function cgroupOf(id: string): string {
  const { cgroup } = JSON.parse(readFileSync(`/run/krun/${id}/state.json`, 'utf8')) as { cgroup: { path: string } };
  return join(hostFacts.cgroup2?.mountpoint ?? '', cgroup.path);
}

test('pause stands every process still before it returns, resume lets them go on, and state says which', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const container = await startContainer(t);
  const { id } = container.bundle;
  const events = () => readFileSync(join(cgroupOf(id), 'cgroup.events'), 'latin1');
  t.deepEqual(await runKrun(['pause', id]), { status: 0, signal: undefined, stdout: '', stderr: '' });
  t.regex(events(), /frozen 1/);
  t.is(await statusOf(id), 'paused');
  t.deepEqual(await runKrun(['resume', id]), { status: 0, signal: undefined, stdout: '', stderr: '' });
  t.regex(events(), /frozen 0/);
  t.is(await statusOf(id), 'running');
  container.end();
  t.is((await container.result).status, 0);
});

test('a paused container cannot be paused, a running one not resumed, in the words that engines look for', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { bundle } = await startContainer(t);
  const resumed = await runKrun(['resume', bundle.id]);
  t.is(resumed.status, 1);
  t.regex(resumed.stderr, /container not paused[\s\S]*E_NOT_PAUSED/);
  await runKrun(['pause', bundle.id]);
  const paused = await runKrun(['pause', bundle.id]);
  t.is(paused.status, 1);
  t.regex(paused.stderr, /container not running: .* is paused[\s\S]*E_NOT_RUNNING/);
  t.regex((await runKrun(['delete', bundle.id])).stderr, /not stopped: paused/);
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0, 'a paused container can be killed and removed');
});

test('no container is no container to pause and resume', async (t) => {
  const { id } = await makeBundle(t);
  for (const command of ['pause', 'resume', 'ps', 'events', 'update --pids-limit 5']) {
    const { status, stderr } = await runKrun([...command.split(' '), id]);
    t.is(status, 1, command);
    t.regex(stderr, /container does not exist[\s\S]*E_NO_CONTAINER/);
  }
});

test('a container without a cgroup cannot be paused, and says why', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { bundle } = await startContainer(t, (config) => config, ['--cgroup-manager', 'disabled']);
  for (const command of ['pause', 'ps', 'events']) {
    const { stderr } = await runKrun([command, bundle.id]);
    t.regex(stderr, /has no cgroup of its own[\s\S]*E_NO_CGROUP2/, command);
  }
});
