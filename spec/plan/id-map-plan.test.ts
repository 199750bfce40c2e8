import test from 'ava';
import type { IdMapping, Linux } from '../../runtime/config/config.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import type { IdMapFacts, IdRange } from '../../runtime/plan/host-facts.ts';
import { planIdMaps } from '../../runtime/plan/id-map-plan.ts';

const range = { first: 100_000, count: 65_536 };
const own: IdMapping = { containerID: 0, hostID: 1000, size: 1 };
const rest: IdMapping = { containerID: 1, hostID: 100_000, size: 65_536 };

function factsWith(ranges: readonly IdRange[] | null = [range], isInstalled = true): IdMapFacts {
  const path = (program: string) => (isInstalled ? `/usr/bin/${program}` : null);
  return {
    user: 'ada',
    uids: { own: 1000, program: path('newuidmap'), ranges },
    gids: { own: 1000, program: path('newgidmap'), ranges },
  };
}

const both = (...mappings: readonly IdMapping[]): Linux => ({ uidMappings: mappings, gidMappings: mappings });

function refusal(linux: Linux, facts: IdMapFacts): KrunError {
  try {
    planIdMaps(linux, facts);
  } catch (error) {
    if (error instanceof KrunError) return error;
  }
  throw new Error('nothing was refused');
}

test('with privileges any maps are written at once, and groups may be set', (t) => {
  t.deepEqual(planIdMaps(both(own, rest), undefined), {
    write: [
      {
        op: 'writeIdMaps',
        pointer: '/linux/uidMappings',
        uidMap: '0 1000 1\n1 100000 65536\n',
        gidMap: '0 1000 1\n1 100000 65536\n',
        denySetgroups: false,
      },
    ],
    maySetGroups: true,
  });
});

test("a user's own id is mapped without any program, and setgroups is given up for it", (t) => {
  t.deepEqual(planIdMaps(both(own), factsWith([], false)), {
    write: [{ op: 'writeIdMaps', pointer: '/linux/uidMappings', uidMap: '0 1000 1\n', gidMap: '0 1000 1\n', denySetgroups: true }],
    maySetGroups: false,
  });
});

test('subordinate ids are mapped by newgidmap, then newuidmap, and groups may be set', (t) => {
  const map = ['0', '1000', '1', '1', '100000', '65536'];
  t.deepEqual(planIdMaps(both(own, rest), factsWith()), {
    write: [
      { op: 'runIdMapProgram', pointer: '/linux/gidMappings', program: '/usr/bin/newgidmap', map },
      { op: 'runIdMapProgram', pointer: '/linux/uidMappings', program: '/usr/bin/newuidmap', map },
    ],
    maySetGroups: true,
  });
});

test('a map of the own gid beside subordinate uids is written, without groups', (t) => {
  const { write, maySetGroups } = planIdMaps({ uidMappings: [own, rest], gidMappings: [own] }, factsWith());
  t.deepEqual(
    write.map(({ op, pointer }) => [op, pointer]),
    [
      ['writeIdMaps', '/linux/uidMappings'],
      ['runIdMapProgram', '/linux/uidMappings'],
    ],
  );
  t.like(write[0], { uidMap: '', gidMap: '0 1000 1\n', denySetgroups: true });
  t.false(maySetGroups);
});

test('ranges of subuid(5) that touch count as one', (t) => {
  const halves = [
    { first: 150_000, count: 50_000 },
    { first: 100_000, count: 50_000 },
  ];
  t.notThrows(() => planIdMaps(both({ containerID: 0, hostID: 100_000, size: 100_000 }), factsWith(halves)));
  const apart = [halves[1] ?? range, { first: 150_001, count: 50_000 }];
  t.is(refusal(both({ containerID: 0, hostID: 100_000, size: 100_000 }), factsWith(apart)).code, 'E_ID_MAP');
});

test('who has no subordinate ids is told the file and the line to add', (t) => {
  const error = refusal(both(own, rest), factsWith([]));
  t.is(error.code, 'E_ID_MAP');
  t.is(error.message, "ada may not map the host's gids 100000-165535: /etc/subgid has no line for ada");
  t.is(error.pointer, '/linux/gidMappings/1/hostID');
  t.regex(error.hint ?? '', /usermod --add-subgids 100000-165535 ada, which adds the line "ada:100000:65536" to \/etc\/subgid/);
});

test('who has others is told which, and nobody is told to give away ids of the system', (t) => {
  const beyond = refusal({ uidMappings: [{ ...rest, size: 65_537 }], gidMappings: [own] }, factsWith());
  t.is(beyond.message, "ada may not map the host's uids 100000-165536: /etc/subuid gives ada 100000-165535");
  t.regex(beyond.hint ?? '', /^map ids of 100000-165535/);
  const system = refusal({ uidMappings: [{ containerID: 0, hostID: 0, size: 1 }], gidMappings: [own] }, factsWith([]));
  t.is(system.pointer, '/linux/uidMappings/0/hostID');
  t.notRegex(system.hint ?? '', /usermod/);
});

test('without the programs it is said which is missing', (t) => {
  const error = refusal(both(own, rest), factsWith([range], false));
  t.regex(error.message, /newgidmap, which is not installed/);
  t.regex(error.hint ?? '', /apt-get install uidmap/);
});

test('where ranges are kept elsewhere the programs decide', (t) => {
  t.is(planIdMaps(both(own, rest), factsWith(null)).write.length, 2);
});
