// CVE-2024-21626: a descriptor of a host directory leaks into the set-up, and process.cwd leads through it.
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { Stage } from '../support/rootfs-plan.ts';

// The caller leaves the canary open, as 7 and as standard input.
const leak = ({ canary }: Stage): string[] => ['bash', '-c', `exec 7<${canary}; exec 9<${canary}/directory; exec "$@"`, '-'];
const leakInput = ({ canary }: Stage): string[] => ['bash', '-c', `exec "$@" <${canary}`, '-'];

async function paths({ rootfs }: Stage): Promise<string[]> {
  await symlink('/proc/self/fd/7', join(rootfs, 'link'));
  await symlink('/proc/self/fd/9/..', join(rootfs, 'up'));
  const numbers = Array.from({ length: 64 }, (_, number) => number);
  return ['/link', '/up', '/proc/thread-self/fd/7', '/proc/1/fd/7', ...numbers.map((number) => `/proc/self/fd/${number}`)];
}

advisory('no working directory leads through a leaked descriptor', 'CLOSE_DESCRIPTORS', async (stage, binary) => {
  const harm: string[] = [];
  for (const cwd of await paths(stage)) {
    const { stdout, failure } = await runInRootfs(stage, { process: { cwd } }, { binary, wrapper: leak(stage) });
    // To have got as far as asking where we are is to have been there.
    if (stdout !== '' || failure?.op !== 'changeDirectory' || failure.syscall !== 'chdir')
      harm.push(`${cwd}: ${stdout.slice(0, 80)} ${failure?.syscall}`);
  }
  return harm;
});

advisory('a working directory outside of the root ends the start', 'CWD_CHECK', async (stage, binary) => {
  const harm: string[] = [];
  for (const cwd of ['/proc/self/fd/0', '/proc/thread-self/fd/0', '/proc/self/fd/0/directory']) {
    for (const uid of [0, 1000]) {
      const process = { cwd, user: { uid, gid: uid } };
      const { stdout, failure } = await runInRootfs(stage, { process }, { binary, wrapper: leakInput(stage) });
      if (stdout !== '' || failure?.op !== 'changeDirectory' || failure.syscall !== 'getcwd')
        harm.push(`${cwd}: ${stdout} ${JSON.stringify(failure)}`);
    }
  }
  return harm;
});
