import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readIdMapFacts } from '../../runtime/host/id-map-facts.ts';

function makeEtc(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const etc = mkdtempSync(join(tmpdir(), 'krun-etc-'));
  t.teardown(() => rmSync(etc, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(etc, name), content);
  return etc;
}

const passwd = 'root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n';

test('the ranges of a user are those of its name and of its number, and no others', (t) => {
  const etc = makeEtc(t, {
    passwd,
    subuid: 'ada:100000:65536\nadam:1:1\n#ada:5:5\n1000:300000:10\nada:7:0\nada:x:9\n',
    subgid: 'bob:165536:65536\n',
    'nsswitch.conf': 'passwd: files\nsubid: files\n',
  });
  t.deepEqual(readIdMapFacts({ uid: 1000, gid: 1001, etc, directories: [] }), {
    user: 'ada',
    uids: {
      own: 1000,
      program: null,
      ranges: [
        { first: 100_000, count: 65_536 },
        { first: 300_000, count: 10 },
      ],
    },
    gids: { own: 1001, program: null, ranges: [] },
  });
});

test('ranges that another source than the files may give are not known', (t) => {
  const etc = makeEtc(t, { passwd, subuid: 'ada:100000:65536\n', 'nsswitch.conf': 'subid:\tsss\n' });
  t.is(readIdMapFacts({ uid: 1000, gid: 1000, etc }).uids.ranges, null);
  t.is(readIdMapFacts({ uid: 1001, gid: 1000, etc: makeEtc(t, { passwd }) }).uids.ranges, null); // who has no name here
});

test('a program is the first file of its name in the given places', (t) => {
  const etc = makeEtc(t, { newuidmap: '' });
  const other = makeEtc(t, { newgidmap: '' });
  mkdirSync(join(other, 'newuidmap'));
  const { uids, gids } = readIdMapFacts({ uid: 1000, gid: 1000, etc, directories: ['/nonexistent', other, etc] });
  t.deepEqual([uids.program, gids.program], [join(etc, 'newuidmap'), join(other, 'newgidmap')]);
});
