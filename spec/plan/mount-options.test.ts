import test from 'ava';
import { attributesOfNewMount, mountOptions, parseMountOptions } from '../../runtime/plan/mount-options.ts';

const RDONLY = 0x1n;
const NOSUID = 0x2n;
const NODEV = 0x4n;
const NOEXEC = 0x8n;
const ATIME = 0x70n;
const NOATIME = 0x10n;
const STRICTATIME = 0x20n;
const NODIRATIME = 0x80n;
const NOSYMFOLLOW = 0x200000n;

// config.md's tables: each option, and what it sets and clears.
const attributeTable: readonly (readonly [string, bigint, bigint])[] = [
  ['ro', RDONLY, 0n],
  ['rw', 0n, RDONLY],
  ['nosuid', NOSUID, 0n],
  ['suid', 0n, NOSUID],
  ['nodev', NODEV, 0n],
  ['dev', 0n, NODEV],
  ['noexec', NOEXEC, 0n],
  ['exec', 0n, NOEXEC],
  ['noatime', NOATIME, ATIME],
  ['atime', 0n, ATIME],
  ['nodiratime', NODIRATIME, 0n],
  ['diratime', 0n, NODIRATIME],
  ['relatime', 0n, ATIME],
  ['norelatime', 0n, ATIME],
  ['strictatime', STRICTATIME, ATIME],
  ['nostrictatime', 0n, ATIME],
  ['nosymfollow', NOSYMFOLLOW, 0n],
  ['symfollow', 0n, NOSYMFOLLOW],
];

for (const [option, set, clear] of attributeTable) {
  test(`${option} is an attribute of the mount`, (t) => {
    t.deepEqual(parseMountOptions([option]), { ...parseMountOptions(), attributes: { set, clear } });
  });

  test(`r${option} is an attribute of the mount and all below it`, (t) => {
    t.deepEqual(parseMountOptions([`r${option}`]), { ...parseMountOptions(), recursiveAttributes: { set, clear } });
  });
}

const propagationTable = { private: 1 << 18, slave: 1 << 19, shared: 1 << 20, unbindable: 1 << 17 };

for (const [option, type] of Object.entries(propagationTable)) {
  test(`${option} and r${option} change the propagation`, (t) => {
    t.deepEqual(parseMountOptions([option]).propagation, { type, recursive: false });
    t.deepEqual(parseMountOptions([`r${option}`]).propagation, { type, recursive: true });
  });
}

test('a slave that is then shared is both', (t) => {
  t.deepEqual(parseMountOptions(['rslave', 'rshared']).propagation, { type: (1 << 19) | (1 << 20), recursive: true });
  t.deepEqual(parseMountOptions(['rshared', 'rslave']).propagation, { type: 1 << 19, recursive: true });
});

for (const [option, flag] of Object.entries({ sync: 'sync', dirsync: 'dirsync', lazytime: 'lazytime', mand: 'mand' })) {
  test(`${option} is a flag of the superblock`, (t) => {
    t.deepEqual(parseMountOptions([option]), { ...parseMountOptions(), superblock: [flag] });
  });
}

for (const [undo, option] of Object.entries({ async: 'sync', nolazytime: 'lazytime', nomand: 'mand' })) {
  test(`${undo} takes ${option} back, and alone is the default`, (t) => {
    t.deepEqual(parseMountOptions([option, undo]), parseMountOptions());
    t.deepEqual(parseMountOptions([undo]), parseMountOptions());
  });
}

for (const option of ['defaults', 'silent', 'loud', 'noiversion']) {
  test(`${option} is known and changes nothing`, (t) => {
    t.deepEqual(parseMountOptions([option]), parseMountOptions());
  });
}

test('iversion asks for counted versions until noiversion', (t) => {
  t.true(parseMountOptions(['iversion']).iversion);
  t.false(parseMountOptions(['iversion', 'noiversion']).iversion);
});

test('bind makes a bind mount, rbind one of a whole tree', (t) => {
  t.deepEqual(parseMountOptions(['bind']), { ...parseMountOptions(), bind: true });
  t.deepEqual(parseMountOptions(['rbind']), { ...parseMountOptions(), bind: true, recursive: true });
  t.true(parseMountOptions(['rbind', 'bind']).recursive);
});

test('remount, tmpcopyup, idmap and ridmap are known', (t) => {
  t.true(parseMountOptions(['remount']).remount);
  t.true(parseMountOptions(['tmpcopyup']).copyUp);
  t.is(parseMountOptions(['idmap']).idmap, 'mount');
  t.is(parseMountOptions(['ridmap', 'idmap']).idmap, 'tree');
});

test('of two opposites the later one holds', (t) => {
  t.deepEqual(parseMountOptions(['ro', 'rw']).attributes, { set: 0n, clear: RDONLY });
  t.deepEqual(parseMountOptions(['suid', 'nosuid']).attributes, { set: NOSUID, clear: 0n });
  t.deepEqual(parseMountOptions(['noatime', 'strictatime']).attributes, { set: STRICTATIME, clear: ATIME });
  t.deepEqual(parseMountOptions(['strictatime', 'relatime']).attributes, { set: 0n, clear: ATIME });
});

test('undoing one choice of access times leaves another alone', (t) => {
  t.deepEqual(parseMountOptions(['noatime', 'nostrictatime']).attributes, { set: NOATIME, clear: ATIME });
  t.deepEqual(parseMountOptions(['strictatime', 'atime']).attributes, { set: STRICTATIME, clear: ATIME });
  t.deepEqual(parseMountOptions(['noatime', 'atime']).attributes, { set: 0n, clear: ATIME });
});

test('a recursive option takes back an earlier one of the mount itself, but not a later one', (t) => {
  t.deepEqual(parseMountOptions(['rw', 'rro']).attributes, { set: 0n, clear: 0n });
  t.deepEqual(parseMountOptions(['rro', 'rw']).attributes, { set: 0n, clear: RDONLY });
  t.is(attributesOfNewMount(parseMountOptions(['rro', 'rw', 'rnosuid', 'nodev'])), NOSUID | NODEV);
  t.is(attributesOfNewMount(parseMountOptions(['rnoatime', 'strictatime'])), STRICTATIME);
});

test('what no table knows is data for the file system, split at commas', (t) => {
  t.deepEqual(parseMountOptions(['nosuid', 'mode=755,size=64k', '', 'x']).data, [
    { text: 'mode=755', index: 1 },
    { text: 'size=64k', index: 1 },
    { text: 'x', index: 3 },
  ]);
});

test('commas in quotes and after a backslash do not split data', (t) => {
  const texts = (option: string): readonly string[] => parseMountOptions([option]).data.map(({ text }) => text);
  t.deepEqual(texts('rootcontext="system_u:object_r:tmp_t:s0:c1,c2",size=1'), ['rootcontext=system_u:object_r:tmp_t:s0:c1,c2', 'size=1']);
  t.deepEqual(texts('upperdir=/a\\,b,index=off'), ['upperdir=/a\\,b', 'index=off']);
});

test('the list for features holds every option of the runtime-spec', (t) => {
  const spec = [
    ...attributeTable.flatMap(([option]) => [option, `r${option}`]),
    ...Object.keys(propagationTable).flatMap((option) => [option, `r${option}`]),
    ...'async bind defaults dirsync idmap iversion lazytime loud mand noiversion nolazytime nomand rbind remount ridmap silent sync tmpcopyup'.split(
      ' ',
    ),
  ];
  t.deepEqual([...mountOptions], spec.sort());
});
