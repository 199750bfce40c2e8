import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Containerd, image, startContainerd } from '../../support/containerd.ts';
import { CriClient } from '../../support/cri.ts';
import { eventually, installed, lacksEngine, succeed } from '../../support/engine.ts';

// What kubelet asks of containerd, containerd asks of krun: the pod's sandbox and its containers are krun's.

let containerd: Containerd;
const namespace = 'k8s.io'; // where CRI's containers are

test.before(async (t) => {
  if (await lacksContainerd(t)) return;
  containerd = await startContainerd(namespace);
});

test.after.always(async () => containerd?.stop());

function lacksContainerd(t: ExecutionContext): Promise<boolean> {
  return lacksEngine(t, 'containerd', 'containerd-shim-runc-v2', 'ctr');
}

for (const hostNetwork of [true, false]) {
  const kind = hostNetwork ? "in the host's network" : 'with a network of its own';
  test.serial(`a pod of two containers ${kind}: exec, update, statistics, stop, remove`, async (t) => {
    if (await lacksContainerd(t)) return;
    const cri = new CriClient(containerd.address);
    const logs = mkdtempSync('/var/tmp/krun-cri-');
    t.teardown(() => rmSync(logs, { recursive: true, force: true }));
    const settings = { name: hostNetwork ? 'host' : 'own', logs, hostNetwork, cgroupParent: '/kubepods/pod' };
    const pod = await cri.runPod(settings);

    const serve = 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 127.0.0.1:8081 -h /www';
    const server = await cri.createContainer(pod, settings, { name: 'server', image, command: ['sh', '-c', serve], memory: 64 * 2 ** 20 });
    t.is((await cri.status(server)).state, 'created');
    await cri.startContainer(server);
    const loop = 'trap "exit 3" TERM; echo ready; while :; do sleep 0.2; done';
    const client = await cri.createContainer(pod, settings, { name: 'client', image, command: ['sh', '-c', loop] });
    await cri.startContainer(client);
    t.is((await cri.status(client)).state, 'running');
    const present = await succeed(t, installed, ['--root', containerd.stateRoot(namespace), 'list', '--quiet']);
    t.deepEqual(present.split('\n').sort(), [pod, server, client].sort(), 'krun has made all three');

    const ask = 'until wget -q -O - http://127.0.0.1:8081/; do sleep 0.2; done; hostname; echo complaint >&2; exit 5';
    const answer = await cri.exec(client, ['sh', '-c', ask]);
    const host = hostNetwork ? readFileSync('/proc/sys/kernel/hostname', 'latin1') : 'own\n';
    t.deepEqual({ ...answer, err: answer.err.includes('complaint\n') }, { status: 5, out: `served\n${host}`, err: true });
    await t.throwsAsync(cri.exec(client, ['no-such-program']), { message: /executable file not found in \$PATH/ });

    const limit = `/sys/fs/cgroup/kubepods/pod/${server}/memory.max`;
    t.is(readFileSync(limit, 'latin1'), `${64 * 2 ** 20}\n`);
    await cri.limitMemory(server, 96 * 2 ** 20);
    t.is(readFileSync(limit, 'latin1'), `${96 * 2 ** 20}\n`);
    t.true((await cri.workingSet(server)) > 0);

    await cri.stopContainer(client, 120);
    t.deepEqual(await cri.status(client), { state: 'exited', exitCode: 3 });
    await cri.stopContainer(server, 0);
    t.deepEqual(await cri.status(server), { state: 'exited', exitCode: 137 });
    await eventually('the log is written', async () => /stdout F ready$/m.test(readFileSync(join(logs, 'client.log'), 'utf8')));
    await cri.removeContainer(client);
    await cri.removeContainer(server);
    await cri.removePod(pod);
    t.deepEqual(
      readdirSync(containerd.stateRoot(namespace)).filter((name) => !name.startsWith('.')),
      [],
    );
    const cgroup = '/sys/fs/cgroup/kubepods/pod';
    t.deepEqual(existsSync(cgroup) ? readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [], []);
  });
}
