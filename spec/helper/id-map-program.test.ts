import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { isRoot } from '../support/change-config.ts';
import { probeSettings, runSettings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const range = [{ containerID: 0, hostID: 100_000, size: 10 }];
const linux = { namespaces: [{ type: 'user' as const }], uidMappings: range, gidMappings: range };

/** Programs in the place of newuidmap and newgidmap: the helper does not care who they are. */
async function stand(t: ExecutionContext, script: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-map-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const path = join(directory, 'newidmap');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

function through(program: string, map: readonly string[] = ['0', '100000', '10']) {
  const [uid, gid] = ['uid', 'gid'].map((kind): Op => ({ op: 'runIdMapProgram', pointer: `/linux/${kind}Mappings`, program, map }));
  return (plan: readonly Op[]) => plan.flatMap((op) => (op.op === 'writeIdMaps' && uid && gid ? [gid, uid] : [op]));
}

test('the program of a map gets the pid of init and the map, and no environment', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const write = (name: string) => `echo "$*" > /proc/$pid/${name}`;
  const program = await stand(
    t,
    `[ -z "$HOME$USER$LANG" ] || exit 9; pid=$1; shift; if [ -z "$(cat /proc/$pid/gid_map)" ]; then ${write('gid_map')}; else ${write('uid_map')}; fi`,
  );
  const seen = await probeSettings({ linux }, { change: through(program) });
  t.regex(seen.uidMap ?? '', /^\s*0\s+100000\s+10$/m);
  t.regex(seen.gidMap ?? '', /^\s*0\s+100000\s+10$/m);
});

test('a program that refuses a map is quoted, at the map that it refused', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const program = await stand(t, 'echo "newgidmap: gid range [0-10) -> [5-15) not allowed" >&2; exit 1');
  const { failure } = await runSettings({ linux }, { change: through(program) });
  t.like(failure, { op: 'runIdMapProgram', pointer: '/linux/gidMappings', path: program });
  t.regex(failure?.detail ?? '', /^status=1 .*output=newgidmap: gid range \[0-10\) -> \[5-15\) not allowed/);
});

test('a program that is not there is told so', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { failure } = await runSettings({ linux }, { change: through('/nonexistent/newgidmap') });
  t.like(failure, { op: 'runIdMapProgram', syscall: 'execve', errno: 2, path: '/nonexistent/newgidmap' });
});

test('a map of more lines than the kernel takes is no overflow', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { failure } = await runSettings({ linux }, { change: through('/bin/true', new Array(1023).fill('1')) });
  t.like(failure, { op: 'runIdMapProgram', errno: 7 });
});
