import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { atTerminal, busyboxRoot, call, installed, lacksEngine, succeed } from '../../support/engine.ts';

// buildah calls create, start, state (ten times a second), kill and delete for each RUN, if its isolation is `oci`.

const asKrun = ['--runtime', installed, '--isolation', 'oci'];

function lacksBuildah(t: ExecutionContext): Promise<boolean> {
  return lacksEngine(t, 'buildah');
}

/** A directory with a Containerfile and `root/`, busybox' files. */
async function buildContext(t: ExecutionContext, ...lines: readonly string[]): Promise<string> {
  const home = mkdtempSync('/var/tmp/krun-buildah-');
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const { directory } = await busyboxRoot();
  cpSync(directory, join(home, 'root'), { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(home, 'Containerfile'), ['FROM scratch', 'COPY root /', 'ENV PATH=/bin', ...lines, ''].join('\n'));
  return home;
}

test.serial('buildah build: what RUN writes is in the image, limits hold, and the image runs', async (t) => {
  if (await lacksBuildah(t)) return;
  const home = await buildContext(
    t,
    'RUN chmod 1777 /tmp; echo made by $(id -u) >/made; cat /sys/fs/cgroup/memory.max >>/made',
    'USER nobody',
    'WORKDIR /tmp',
    'RUN ["sh", "-c", "id -u >there; pwd >>there"]',
  );
  await succeed(t, 'buildah', ['build', ...asKrun, '--network', 'none', '--memory', '64m', '--tag', 'krun-built', home]);
  const container = await succeed(t, 'buildah', ['from', '--pull-never', 'localhost/krun-built']);
  t.teardown(() => call('buildah', ['rm', container]));
  const look = await succeed(t, 'buildah', ['run', ...asKrun, container, 'cat', '/made', 'there']);
  t.is(look, `made by 0\n${64 * 2 ** 20}\n65534\n/tmp`);
  t.is((await call('buildah', ['run', ...asKrun, container, 'sh', '-c', 'exit 7'])).status, 7);
  t.regex(await atTerminal(t, 'buildah', ['run', '--tty', ...asKrun, container, 'tty']), /\/dev\/pts\/0/);
});

test.serial('buildah build: a RUN that fails ends the build and says why', async (t) => {
  if (await lacksBuildah(t)) return;
  const failing = await call('buildah', ['build', '--network', 'none', ...asKrun, await buildContext(t, 'RUN echo so far; exit 9')]);
  t.is(failing.status, 9);
  t.regex(failing.out + failing.err, /so far/);
  const missing = await call('buildah', ['build', '--network', 'none', ...asKrun, await buildContext(t, 'RUN ["no-such-program"]')]);
  t.not(missing.status, 0);
  t.regex(missing.err, /exec: "no-such-program": executable file not found in \$PATH/);
});

test.serial('nothing is left of buildah’s containers', async (t) => {
  if (await lacksBuildah(t)) return;
  t.is(await succeed(t, installed, ['list', '--quiet']), '');
});
