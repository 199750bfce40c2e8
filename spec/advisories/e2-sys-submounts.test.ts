// CVE-2023-25809: a runtime without privileges binds the host's /sys, and left the cgroupfs in it writable.
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { runKrun } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const [uid, gid] = [1000, 1000];
const rootless = withProcess({ terminal: false, args: ['/probe'] })(defaultConfig({ rootless: { uid, gid } }));

async function mountsOfSys(t: ExecutionContext, config: Config): Promise<NonNullable<ProbeReport['mounts']>> {
  const { id, path } = await makeBundle(t, () => config);
  const runtime = join(path, 'run');
  await mkdir(runtime, { mode: 0o700 });
  await chown(runtime, uid, gid);
  const { status, stdout, stderr } = await runKrun(['run', id], { uid, gid, cwd: path, env: { XDG_RUNTIME_DIR: runtime } });
  t.is(status, 0, stderr);
  const { mounts } = JSON.parse(stdout) as ProbeReport;
  return (mounts ?? []).filter(({ destination }) => /^\/sys(\/|$)/.test(destination));
}

test('with the configuration of krun spec --rootless nothing below /sys is writable', async (t) => {
  if (skipUnless(t, 'root, to become another user', isRoot)) return;
  const mounts = await mountsOfSys(t, rootless);
  t.true(
    mounts.some(({ destination }) => destination.startsWith('/sys/fs/cgroup')),
    'the host has a cgroup file system there',
  );
  for (const { destination, options } of mounts) t.true(options.includes('ro'), destination);
});

test('a mount of type sysfs without a network namespace of its own is a /sys in which nothing is writable, even if it asks for rw', async (t) => {
  if (skipUnless(t, 'root, to become another user', isRoot)) return;
  const sysfs = { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['rw'] };
  const others = (rootless.mounts ?? []).filter(({ destination }) => !destination.startsWith('/sys'));
  const mounts = await mountsOfSys(t, { ...rootless, mounts: [...others, sysfs] });
  t.true(mounts.length > 1);
  for (const { destination, options } of mounts) t.true(options.includes('ro'), destination);
});
