// The resident supervisor under a real systemd: activated by its socket, for root and for a user.
import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import test from 'ava';
import { execa } from 'execa';
import { type KrunResult, krunBinary, runKrun } from '../support/krun.ts';
import { as, logIn, makeUserBundle } from '../support/login.ts';

const units = ['krun.socket', 'krun.service'];

/** The status, once the supervisor answers within the two seconds that a call waits: without KVM its first answers take longer. */
async function servedStatus(ask: () => Promise<KrunResult>): Promise<{ readonly pid: number; readonly starts: number }> {
  for (let left = 20; ; left--) {
    const { status, stdout, stderr } = await ask();
    if (status === 0) return JSON.parse(stdout);
    if (left === 0) throw new Error(stderr);
  }
}

const show = async (run: (words: readonly string[]) => Promise<KrunResult>, property: string) =>
  (await run(['show', `--property=${property}`, '--value', 'krun.service'])).stdout.trim();

test.serial('systemd starts the supervisor with the first call, again after its death, and stops it', async (t) => {
  t.timeout(240_000);
  const systemctl = async (words: readonly string[]): Promise<KrunResult> => {
    const { exitCode, stdout, stderr } = await execa('systemctl', words, { reject: false });
    return { status: exitCode ?? 255, signal: undefined, stdout, stderr };
  };
  const ask = () => runKrun(['supervisor', 'status', '--format', 'json'], { env: { KRUN_SUPERVISOR: undefined } });
  await systemctl(['stop', ...units]);
  await execa('scripts/install-units');
  t.teardown(() => systemctl(['disable', '--now', ...units]));
  await systemctl(['daemon-reload']);
  t.is((await systemctl(['enable', '--now', 'krun.socket'])).status, 0);
  t.is(await show(systemctl, 'ActiveState'), 'inactive');
  const { pid } = await servedStatus(ask);
  t.is(await show(systemctl, 'MainPID'), String(pid));
  t.is((await stat('/run/krun/.supervisor')).mode & 0o777, 0o700);
  t.is((await stat('/run/krun/.supervisor/socket')).mode & 0o777, 0o600);

  await systemctl(['kill', '--signal=KILL', 'krun.service']);
  t.is((await runKrun(['list', '--quiet'])).status, 0);
  t.not((await servedStatus(ask)).pid, pid);
  await systemctl(['stop', ...units]);
  t.false(existsSync('/run/krun/.supervisor/socket'));
  t.is((await ask()).status, 1);
  t.is((await runKrun(['list', '--quiet'])).status, 0);
});

test.serial('a user’s systemd starts one of their own, which answers their starts', async (t) => {
  t.timeout(240_000);
  const login = await logIn('user');
  const systemctl = (words: readonly string[]) => as(login, ['systemctl', '--user', ...words]);
  await systemctl(['is-system-running', '--wait']); // its outcome may be "degraded"
  const installed = await as(login, ['scripts/install-units', '--user'], { cwd: process.cwd() });
  t.is(installed.status, 0, installed.stderr);
  t.teardown(async () => {
    await systemctl(['stop', ...units]);
    await rm(`/home/${login.name}/.config/systemd/user`, { recursive: true, force: true });
  });
  t.is((await systemctl(['daemon-reload'])).status, 0);
  t.is((await systemctl(['start', 'krun.socket'])).status, 0);
  const ask = () => as(login, [krunBinary, 'supervisor', 'status', '--format', 'json']);
  const { pid } = await servedStatus(ask);
  t.is(await show(systemctl, 'MainPID'), String(pid));
  t.is((await stat(`/proc/${pid}`)).uid, login.uid);

  const { krun, id } = await makeUserBundle(t, login);
  for (let left = 5; left > 0 && (await servedStatus(ask)).starts === 0; left--) {
    const { status, stderr } = await krun(['run', id]);
    t.is(status, 0, stderr);
  }
  t.true((await servedStatus(ask)).starts > 0);
});
