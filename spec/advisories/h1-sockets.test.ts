// CVE-2020-15257: an abstract socket can be reached by a container in the host's network namespace.
import { readdir, readFile, readlink } from 'node:fs/promises';
import test from 'ava';
import { startContainer } from '../support/krun.ts';

test('the helper beside a running container has no socket with a name', async (t) => {
  const container = await startContainer(t);
  const named = await namedSockets();
  const links = await Promise.all((await readdir(`/proc/${container.pid}/fd`)).map((fd) => readlink(`/proc/${container.pid}/fd/${fd}`)));
  const inodes = links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
  t.true(inodes.length > 0, 'the line to the child is a socket');
  t.deepEqual(
    inodes.filter((inode) => named.has(inode)),
    [],
  );
  container.end();
  t.is((await container.result).status, 0);
});

async function namedSockets(): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).trimEnd().split('\n').slice(1);
  return new Map(
    lines.flatMap((line) => {
      const [, , , , , , inode, name] = line.trim().split(/\s+/);
      return inode !== undefined && name !== undefined ? [[inode, name] as const] : [];
    }),
  );
}
