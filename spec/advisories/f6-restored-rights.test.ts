// CVE-2026-119101, CVE-2026-115520, CVE-2026-92574: a restore takes rights, or directories of the host, from the images.
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';
import { controlHelper } from '../support/advisory.ts';
import { makeBundle } from '../support/bundle.ts';
import { lacksCriu, startCounter } from '../support/criu.ts';
import { krunBinary } from '../support/krun.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';

const titles = {
  capabilities: 'capabilities of the images that the bundle does not give are refused, and nothing is left',
  privileges: 'processes without no_new_privs are refused where the bundle asks for it',
  mounts: 'images name what is mounted, and never where it comes from: a name that the bundle lacks is refused',
};

test(titles.capabilities, async (t) => {
  if (lacksCriu(t)) return;
  const before = await hostSnapshot();
  const { status, stderr, bundle } = await restoreChanged(t, fewerCapabilities, krunBinary);
  t.is(status, 1);
  t.regex(stderr, /process \d+ of the checkpoint has the capabilities [0-9a-f]+ in CapPrm, which config\.json does not allow/);
  t.regex(stderr, /code: E_RESTORE/);
  await assertNothingLeft(t, before, bundle);
});

test(`${titles.capabilities}: not without the rule RESTORED_CONFINED`, async (t) => {
  if (lacksCriu(t)) return;
  const { status, stderr } = await restoreChanged(t, fewerCapabilities, await install(t, controlHelper('RESTORED_CONFINED')));
  t.is(status, 0, stderr);
});

test(titles.privileges, async (t) => {
  if (lacksCriu(t)) return;
  const { status, stderr } = await restoreChanged(
    t,
    (process) => process,
    krunBinary,
    (process) => ({ ...process, noNewPrivileges: false }),
  );
  t.is(status, 1);
  t.regex(stderr, /has no no_new_privs, which config\.json does not allow[\s\S]*code: E_RESTORE/);
});

test(titles.mounts, async (t) => {
  if (lacksCriu(t)) return;
  const source = await makeBundle(t);
  let config: Config | undefined;
  const { bundle, images, krun } = await startCounter(t, (base) => {
    config = base;
    return { ...base, mounts: [...(base.mounts ?? []), { destination: '/mnt', type: 'bind', source: source.path, options: ['bind'] }] };
  });
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  const before = await hostSnapshot();
  await writeFile(`${bundle.path}/config.json`, stringifyConfig(config as Config));
  const refused = await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /restore\.log" has more[\s\S]*code: E_RESTORE/);
  await assertNothingLeft(t, before, bundle);
});

// A helper looks for its supervisor in ../dist.
async function install(t: ExecutionContext, helper: string): Promise<string> {
  const { path } = await makeBundle(t);
  await symlink(fileURLToPath(new URL('../../dist', import.meta.url)), `${path}/dist`);
  await mkdir(`${path}/bin`);
  await copyFile(helper, `${path}/bin/krun`);
  return `${path}/bin/krun`;
}

test('processes in a namespace of the host are refused where the bundle has one of its own', async (t) => {
  if (lacksCriu(t)) return;
  let config: Config | undefined;
  const { bundle, images, krun } = await startCounter(t, (base) => {
    config = base;
    const namespaces = (base.linux?.namespaces ?? []).filter(({ type }) => type !== 'uts');
    const { hostname: _, ...rest } = base;
    return { ...rest, linux: { ...base.linux, namespaces } };
  });
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  const before = await hostSnapshot();
  await writeFile(`${bundle.path}/config.json`, stringifyConfig(config as Config));
  const refused = await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /is in the host's uts namespace, which config\.json does not allow[\s\S]*code: E_RESTORE/);
  await assertNothingLeft(t, before, bundle);
});

type ProcessChange = (process: NonNullable<Config['process']>) => NonNullable<Config['process']>;

const fewerCapabilities: ProcessChange = (process) => ({
  ...process,
  capabilities: { bounding: ['CAP_KILL'], effective: [], permitted: [] },
});

// The bundle that is restored is not that which was dumped: as if the images had been changed on their way.
async function restoreChanged(t: ExecutionContext, change: ProcessChange, binary: string, dumped: ProcessChange = (process) => process) {
  let config: Config | undefined;
  const { bundle, images, krun, output } = await startCounter(t, (base) => {
    config = base;
    return { ...base, process: dumped(base.process as NonNullable<Config['process']>) };
  });
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0, await readFile(`${output}.errors`, 'utf8'));
  const changed = { ...(config as Config), process: change((config as Config).process as NonNullable<Config['process']>) };
  await writeFile(`${bundle.path}/config.json`, stringifyConfig(changed));
  const result = await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id], { binary });
  return { ...result, bundle };
}
