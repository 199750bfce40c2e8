// A resident supervisor reads files for its callers: it must be allowed to read what they may, no more and no less.
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { controlHelper } from '../support/advisory.ts';
import { isRoot } from '../support/change-config.ts';
import { krunBinary } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';
import { startSupervisor, temporaryDirectory } from '../support/supervisor.ts';

type Wrapper = readonly string[];

const user = (groups: string, gid = '4141'): Wrapper => ['setpriv', '--reuid=4141', `--regid=${gid}`, `--groups=${groups}`];
const withoutRights = (groups: string): Wrapper => ['setpriv', `--groups=${groups}`, '--bounding-set=-dac_override,-dac_read_search'];

/** A resident supervisor started by one wrapper, and what its status tells who is wrapped in another. */
async function ask(t: ExecutionContext, service: Wrapper, caller: Wrapper, owner = '4141', binary = krunBinary) {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'home'), { mode: 0o700 });
  await chmod(directory, 0o755);
  await execa('chown', [owner, join(directory, 'home')]);
  const supervisor = await startSupervisor(t, { wrapper: service, binary, directory });
  const [file = '', ...words] = [...caller, binary, 'supervisor', 'status', '--format', 'json'];
  const { exitCode, stderr } = await execa(file, words, { env: supervisor.env, reject: false, stdin: 'ignore' });
  return exitCode === 0 ? 'served' : stderr.split('\n')[0]?.replace(/pid \d+/, 'pid N');
}

const passedOver = 'krun: the supervisor runs (pid N), but does not answer this call: ';

test('a user’s supervisor with the same groups answers, in whatever order they were set', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await ask(t, user('5001,5002,5003'), user('5003,5001,5002')), 'served');
});

test('a user’s supervisor with fewer, more or other groups is passed over, and the status tells why', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(120_000);
  const differ = (theirs: string, ours: string) => `${passedOver}its supplementary groups are ${theirs}, this call's are ${ours}`;
  t.is(await ask(t, user('5001'), user('5001,5002')), differ('5001', '5001 5002'));
  t.is(await ask(t, user('5001,5002'), user('5001')), differ('5001 5002', '5001'));
  t.is(await ask(t, user('5001'), user('5002')), differ('5001', '5002'));
  t.is(await ask(t, user('5001', '5009'), user('5001')), `${passedOver}its group is 5009, this call's is 4141`);
});

test('a supervisor with more groups would be asked without the rule PEER_GROUPS', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const prefix = await temporaryDirectory(t);
  await chmod(prefix, 0o755);
  await mkdir(join(prefix, 'bin'));
  await copyFile(controlHelper('PEER_GROUPS'), join(prefix, 'bin/krun'));
  await execa('ln', ['-s', join(krunBinary, '../../dist'), join(prefix, 'dist')]);
  t.is(await ask(t, user('5001,5002'), user('5001'), '4141', join(prefix, 'bin/krun')), 'served');
});

test('groups of a root that may not open everything do matter', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await ask(t, withoutRights('5001'), withoutRights('5001'), '0'), 'served');
  t.regex((await ask(t, withoutRights('5001,5002'), withoutRights('5001'), '0')) ?? '', /does not answer this call/);
});

test('a root with fewer capabilities passes over a supervisor with more', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(
    await ask(t, ['env'], ['setpriv', '--bounding-set=-dac_override,-dac_read_search,-sys_ptrace'], '0'),
    `${passedOver}it has capabilities that this call has not`,
  );
});

test('the status tells which namespace is another', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await ask(t, ['env'], ['unshare', '--net'], '0'), `${passedOver}it is in another net namespace`);
});
