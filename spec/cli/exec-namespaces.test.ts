// exec is where the container's first process is, whatever its configuration says of namespaces.
import { readlink } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Bundle, baseConfig, makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withNamespaces, withoutNamespaces, withProcess } from '../support/change-config.ts';
import { krunBinary, removeContainer, runKrun } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';

const withoutHostname: ConfigChange = ({ hostname: _, ...config }) => config;
const types = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];

for (const [name, flags, change] of [
  ['a network namespace that the container has of its creator, and not of its configuration', ['--net'], withoutNamespaces('network')],
  ['several that it has of its creator', ['--net', '--ipc', '--uts'], all(withoutHostname, withoutNamespaces('network', 'ipc', 'uts'))],
  ['one time namespace of its creator', ['--time'], withoutNamespaces('time')],
] as const satisfies readonly (readonly [string, readonly string[], ConfigChange])[]) {
  test(`exec joins ${name}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { bundle, pid } = await start(t, change, ['unshare', ...flags]);
    const seen = await probe(t, bundle);
    for (const type of [...types, 'time']) t.is(seen.namespaces[type], await readlink(`/proc/${pid}/ns/${type}`), type);
    t.notDeepEqual(
      await Promise.all(types.concat('time').map((type) => readlink(`/proc/self/ns/${type}`))),
      await Promise.all(types.concat('time').map((type) => readlink(`/proc/${pid}/ns/${type}`))),
    );
  });
}

test('exec joins namespaces that the configuration joined by path', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const child = execa('unshare', ['--net', '--ipc', '--uts', 'sleep', '1000'], { reject: false, stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  const holder = child.pid ?? 0;
  while ((await readlink(`/proc/${holder}/ns/uts`)) === (await readlink('/proc/self/ns/uts')));
  const { bundle, pid } = await start(
    t,
    all(
      withoutHostname,
      withNamespaces(
        { type: 'network', path: `/proc/${holder}/ns/net` },
        { type: 'ipc', path: `/proc/${holder}/ns/ipc` },
        { type: 'uts', path: `/proc/${holder}/ns/uts` },
      ),
    ),
  );
  const seen = await probe(t, bundle);
  for (const type of types) t.is(seen.namespaces[type], await readlink(`/proc/${pid}/ns/${type}`), type);
  t.is(seen.namespaces.net, await readlink(`/proc/${holder}/ns/net`));
});

test('exec in a container that has nothing but a mount namespace of its own', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const change = all(withoutHostname, withoutNamespaces('network', 'ipc', 'uts', 'pid', 'cgroup'));
  const { bundle, pid } = await start(t, change);
  const seen = await probe(t, bundle);
  for (const type of types) t.is(seen.namespaces[type], await readlink(`/proc/${pid}/ns/${type}`), type);
});

async function start(t: ExecutionContext, change: ConfigChange, wrapper: readonly string[] = []): Promise<{ bundle: Bundle; pid: number }> {
  const bundle = await makeBundle(t, () => change(withProcess({ args: ['/bin/sleep', '1000'] })(baseConfig())));
  t.teardown(() => removeContainer(bundle.id));
  const args = ['run', '--detach', '--bundle', bundle.path, bundle.id];
  if (wrapper.length === 0) t.like(await runApart(args), { status: 0, stderr: '' });
  else t.is((await execa(wrapper[0] ?? '', [...wrapper.slice(1), krunBinary, ...args], { stdio: 'ignore', reject: false })).exitCode, 0);
  return { bundle, pid: (JSON.parse((await runKrun(['state', bundle.id])).stdout) as { pid: number }).pid };
}

async function probe(t: ExecutionContext, { id }: Bundle): Promise<ProbeReport> {
  const { status, stdout, stderr } = await runKrun(['exec', id, '/probe']);
  t.is(status, 0, stderr);
  return JSON.parse(stdout) as ProbeReport;
}
