// CVE-2024-3154 and its kind: annotations come from people who may not choose what a container may do.
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { runKrun } from '../support/krun.ts';

const hostile = {
  'org.systemd.property.ExecStartPre': '["/bin/sh"]',
  'org.criu.config': '/etc/passwd',
  'run.oci.keep_original_groups': '1',
  'run.oci.hooks.stdout': '/etc/passwd',
  'run.oci.seccomp_bpf_data': 'BgAAAAAA/38=',
  'run.oci.delegate-cgroup': '/',
  'run.oci.handler': 'wasm',
  'krun.cpus': '64',
  'org.krun.overlay.upper': '/etc',
  'io.kubernetes.cri-o.UnifiedCgroup': 'memory.max=max',
  'dev.gvisor.flag.debug': 'true',
};

test('no annotation changes anything of what is done', async (t) => {
  const plain = await planOf(t, {});
  t.deepEqual(await planOf(t, hostile), plain);
  t.true(JSON.stringify(plain).length > 5000, 'there is a plan');
});

async function planOf(t: Parameters<typeof makeBundle>[0], annotations: Record<string, string>): Promise<unknown[]> {
  const bundle = await makeBundle(t, (config) => ({ ...config, annotations }));
  const { status, stdout, stderr } = await runKrun(['plan', '--json', '--bundle', bundle.path, 'test-annotations']);
  t.is(status, 0, stderr);
  const plan = JSON.parse(stdout.replaceAll(bundle.path, '/bundle')) as { op: string }[];
  return plan.filter(({ op }) => op !== 'writeStateFile'); // the state shows them to who asks
}
