// Terminals where several things come together: create and its socket, --init, user namespaces, jobs of a shell.
import { readdir, readlink } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { type Bundle, baseConfig, makeBundle } from '../support/bundle.ts';
import { type ConfigChange, isRoot, withProcess, withUserNamespace } from '../support/change-config.ts';
import { krunBinary, removeContainer, runKrun } from '../support/krun.ts';
import { sitDown } from '../support/person.ts';
import { skipUnless } from '../support/skip.ts';
import { listen } from '../support/socket-listener.ts';

for (const flags of [[], ['--init']]) {
  test(`a created container holds its terminal's peer and its gate, and not the master: ${flags.join() || 'plain'}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const bundle = await prepare(t);
    const { path, lines, type } = await listen(t, bundle.path, 'console');
    const created = await runKrun(['create', ...flags, '--bundle', bundle.path, '--console-socket', path, bundle.id]);
    t.like(created, { status: 0, stderr: '' });
    t.like(JSON.parse(await lines()), { count: 1, terminal: true });
    const { pid } = JSON.parse((await runKrun(['state', bundle.id])).stdout) as { pid: number };
    const holders = flags.length === 0 ? [pid] : await childrenOf(pid);
    for (const holder of holders)
      t.deepEqual(await targetsOf(holder), ['/dev/pts/0', 'report.fifo', 'socket', 'start.fifo'], 'the socket is the line to the helper');
    if (flags.length > 0) t.deepEqual(await targetsOf(pid), []);
    t.is((await runKrun(['start', bundle.id])).status, 0);
    type('echo I am $((40 + 2)) at $(busybox tty)\r');
    let line = '';
    do line = await lines();
    while (!line.startsWith('I am 42 at /dev/pts/0'));
    t.pass();
  });
}

for (const flags of [[], ['--init']]) {
  test(`in a user namespace the terminal is that of the container's root: ${flags.join() || 'plain'}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const bundle = await prepare(t, withUserNamespace());
    const person = sitDown(t, krunBinary, ['run', ...flags, '--bundle', bundle.path, bundle.id]);
    await person.see('# ');
    person.type('stat -c "%u %g %n" $(busybox tty)\r');
    await person.see('0 5 /dev/pts/0\r\n');
    await person.see('# ');
    person.type('exit 4\r');
    t.like(await person.end, { exitCode: 4 });
  });
}

test('as a background job krun leaves the terminal alone until it is brought to the foreground', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await prepare(t);
  const person = sitDown(t, 'bash', ['--norc', '--noprofile', '-i']);
  person.type("PS1='host: '\r");
  await person.see("'host: '\r\n");
  await person.see('host: ');
  person.type(`${krunBinary} run --bundle ${bundle.path} ${bundle.id} &\r`);
  await person.see('host: ');
  while ((await runKrun(['state', bundle.id])).status !== 0);
  person.type('echo the shell $((1 + 1)) hears\r');
  await person.see('the shell 2 hears\r\n');
  person.type('fg\r');
  await person.see('/krun run');
  person.type('echo the container $((2 + 1)) hears in $$\r');
  await person.see('the container 3 hears in 1\r\n');
  person.type('exit 5\r');
  await person.see('host: ');
  person.type('echo status $?\r');
  await person.see('status 5\r\n');
  person.type('stty -a | grep -o " echo \\| icanon " | sort\r');
  await person.see(' echo \r\n');
  person.type('exit\r');
  t.like(await person.end, { exitCode: 0 });
});

async function prepare(t: ExecutionContext, change: ConfigChange = (config) => config): Promise<Bundle> {
  const bundle = await makeBundle(t, () => change(withProcess({ terminal: true, args: ['/bin/sh'] })(baseConfig())));
  t.teardown(() => removeContainer(bundle.id));
  return bundle;
}

async function childrenOf(pid: number): Promise<number[]> {
  const { readFile } = await import('node:fs/promises');
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
}

async function targetsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`)));
  return [...new Set(targets.map((target) => target.replace(/^.*\/(start|report)\.fifo$/, '$1.fifo').replace(/:.*/, '')))].sort();
}
