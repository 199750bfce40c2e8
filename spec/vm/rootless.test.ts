import { readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { Config, IdMapping } from '../../runtime/config/config.ts';
import { all, withLinux, withProcess } from '../support/change-config.ts';
import { logIn, makeUserBundle } from '../support/login.ts';
import type { ProbeReport } from '../support/probe.ts';

const ranges = (uid: number): IdMapping[] => [
  { containerID: 0, hostID: uid, size: 1 },
  { containerID: 1, hostID: 100_000, size: 65_536 },
];

const withMaps = (uidMappings: readonly IdMapping[], gidMappings = uidMappings) => withLinux({ uidMappings, gidMappings });

function numbers(map: string | null | undefined): number[] {
  return (map ?? '').trim().split(/\s+/).map(Number);
}

async function probe(t: ExecutionContext, name: 'user' | 'plain', change?: (config: Config) => Config): Promise<ProbeReport> {
  const { krun, id } = await makeUserBundle(t, await logIn(name), change);
  const { status, stdout, stderr } = await krun(['run', id]);
  t.is(status, 0, stderr);
  return JSON.parse(stdout) as ProbeReport;
}

for (const name of ['user', 'plain'] as const) {
  test(`${name} runs what krun spec --rootless writes: root inside, oneself outside`, async (t) => {
    const { uid } = await logIn(name);
    const seen = await probe(t, name);
    t.deepEqual(numbers(seen.uidMap), [0, uid, 1]);
    t.is(seen.uid.effective, 0);
  });
}

test('subordinate ids are mapped by newuidmap and newgidmap, and are any user and groups in the container', async (t) => {
  const { uid } = await logIn('user');
  const user = { uid: 1234, gid: 5, additionalGids: [7, 8] };
  const seen = await probe(t, 'user', all(withMaps(ranges(uid)), withProcess({ user })));
  t.deepEqual(numbers(seen.uidMap), [0, uid, 1, 1, 100_000, 65_536]);
  t.deepEqual(numbers(seen.gidMap), [0, uid, 1, 1, 100_000, 65_536]);
  t.deepEqual([seen.uid.effective, seen.gid.effective, seen.groups], [1234, 5, [7, 8]]);
});

test('with subordinate ids none of the caller’s own groups stays', async (t) => {
  const { uid } = await logIn('user');
  t.deepEqual((await probe(t, 'user', withMaps(ranges(uid)))).groups, []);
});

test('a time namespace, which takes a process before init, has subordinate ids too', async (t) => {
  const { uid } = await logIn('user');
  const seen = await probe(t, 'user', (config) => {
    const namespaces = [...(config.linux?.namespaces ?? []), { type: 'time' as const }];
    return all(withMaps(ranges(uid)), withLinux({ namespaces, timeOffsets: { boottime: { secs: 1_000_000n } } }))(config);
  });
  t.deepEqual(numbers(seen.uidMap), [0, uid, 1, 1, 100_000, 65_536]);
  t.true(seen.clocks.boottime > 1_000_000);
});

test('a user without subordinate ids is told the line that is missing, before anything is made', async (t) => {
  const login = await logIn('plain');
  const { krun, id } = await makeUserBundle(t, login, withMaps(ranges(login.uid)));
  const { status, stderr } = await krun(['run', id]);
  t.is(status, 1);
  t.regex(stderr, /plain may not map the host's gids 100000-165535: \/etc\/subgid has no line for plain/);
  t.regex(stderr, /at: config\.json#\/linux\/gidMappings\/1\/hostID/);
  t.regex(stderr, /"plain:100000:65536" to \/etc\/subgid/);
  t.regex(stderr, /code: E_ID_MAP/);
  t.notRegex(await stateOf(login.uid), new RegExp(id));
});

test('supplementary groups are refused where the user namespace denies them', async (t) => {
  const { krun, id } = await makeUserBundle(t, await logIn('user'), withProcess({ user: { uid: 0, gid: 0, additionalGids: [0] } }));
  t.regex((await krun(['run', id])).stderr, /denies setgroups[\s\S]*\/process\/user\/additionalGids/);
});

async function stateOf(uid: number): Promise<string> {
  try {
    return readdirSync(`/run/user/${uid}/krun`).join('\n');
  } catch {
    return '';
  }
}
