// D6, CVE-2025-23266: a hook got environment variables that the image had chosen. Here it gets those of hook.env alone.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { advisory } from '../support/advisory.ts';
import { makeBundle } from '../support/bundle.ts';
import { makeLauncher } from '../support/launcher.ts';
import { testHelper } from '../support/run-plan.ts';

const names = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
const markers = ['LD_PRELOAD=/marker.so', 'NODE_OPTIONS=--marker', 'MARKER=1'];
const callers = { CALLER_MARKER: '1', NODE_OPTIONS_MARKER: '--marker-of-the-caller' };

advisory("neither the container's environment nor the caller's reaches a hook", 'HOOK_ENVIRONMENT', async (_stage, binary, t) => {
  const seen = await environmentsOfHooks(t, binary);
  if (binary === testHelper) t.is(seen.match(/^OWN=1$/gm)?.length, names.length);
  t.is(seen.match(/^\.$/gm)?.length, 2 * names.length);
  return seen.split('\n').filter((line) => /marker/i.test(line) || /^(PATH|HOME|USER)=/.test(line));
});

// What all hooks together have seen, a line for each variable and a full stop for each hook.
async function environmentsOfHooks(t: ExecutionContext, binary: string): Promise<string> {
  const directory = (await makeBundle(t)).path;
  const hook = (log: string, env?: string[]) => ({
    path: '/bin/busybox',
    args: ['sh', '-c', `tr '\\0' '\\n' < /proc/self/environ >> ${log}; echo . >> ${log}`],
    ...(env === undefined ? {} : { env }),
  });
  const hooks = Object.fromEntries(
    names.map((name) => {
      const log = name === 'startContainer' ? '/log' : join(directory, 'log');
      return [name, [hook(log), hook(log, ['OWN=1'])]];
    }),
  );
  const process = { cwd: '/', user: { uid: 0, gid: 0 }, args: ['/bin/true'], env: ['PATH=/bin', ...markers] };
  const { path, id, rootfs } = await makeBundle(t, (config) => ({ ...config, root: { path: 'rootfs' }, process, hooks }));
  const { runProgram } = await makeLauncher(t, 1);
  const { status, stderr } = await runProgram([binary, '--root', join(path, 'state'), 'run', '--bundle', path, id], callers);
  t.is(status, 0, stderr);
  return `${await readFile(join(directory, 'log'), 'utf8')}${await readFile(join(rootfs, 'log'), 'utf8')}`;
}
