// CVE-2016-3697, CVE-2024-40635 and their kin: a number that is read as a name, or overflows; an /etc/passwd that is no file.
import { constants, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { ProbeReport } from '../support/probe.ts';
import type { Stage } from '../support/rootfs-plan.ts';

async function homeOf(stage: Stage, uid: number, binary: string): Promise<string> {
  const { stdout, failure } = await runInRootfs(stage, { process: { user: { uid, gid: uid } } }, { binary });
  if (failure !== null) return `failed: ${failure.op}`;
  const { environment, uid: seen } = JSON.parse(stdout) as ProbeReport;
  return seen.effective === uid ? (environment[0] ?? 'none') : `uid ${seen.effective}`;
}

advisory('a uid is a number of 32 bits and never a name', 'NUMERIC_UID', async (stage, binary) => {
  const lines = [
    '1000:x:0:0::/name:/bin/sh',
    'wide:x:4294968296:0::/wide:/bin/sh',
    'sign:x:+1000:0::/sign:/bin/sh',
    'right:x:1000:0::/right:',
  ];
  await writeFile(join(stage.rootfs, 'etc/passwd'), lines.join('\n'));
  const home = await homeOf(stage, 1000, binary);
  return home === 'HOME=/right' ? [] : [home];
});

advisory('the id that means "leave it" does not leave the process root', 'REAL_IDS', async (stage, binary) => {
  const harm: string[] = [];
  for (const user of [
    { uid: 0xffff_ffff, gid: 1 },
    { uid: 1, gid: 0xffff_ffff },
  ]) {
    const { stdout, failure } = await runInRootfs(stage, { process: { user, env: ['HOME=/'] } }, { binary });
    if (failure?.op !== 'setUser') harm.push(stdout.slice(0, 20));
  }
  return harm;
});

advisory('an /etc/passwd that is a fifo is not read', 'PASSWD_CHECKED', async (stage, binary, t) => {
  const passwd = join(stage.rootfs, 'etc/passwd');
  await rm(passwd);
  await execa('mkfifo', [passwd]);
  // A writer is there, so that the helper that reads it does not hang.
  const writer = await open(passwd, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(() => writer.close());
  await writer.write('evil:x:1000:0::/evil:\n');
  const home = await homeOf(stage, 1000, binary);
  return home === 'HOME=/' ? [] : [home];
});
