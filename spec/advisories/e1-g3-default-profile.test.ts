// CVE-2022-0492, CVE-2022-0185, CVE-2021-41133: what the engines' default profile keeps from a process without capabilities.
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { Config, Seccomp } from '../../runtime/config/config.ts';
import { runActions } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const profile = JSON.parse(readFileSync(new URL('../fixtures/seccomp-docker.json', import.meta.url), 'utf8')) as Seccomp;
const newUserNamespace = String(0x1000_0000);
const [EPERM, ENOSYS] = [1, 38];

// x86_64; from 424 on the numbers are everywhere the same.
const calls = { unshare: ['272', newUserNamespace], mount: ['165'], openTree: ['428'], moveMount: ['429'], fsopen: ['430'] } as const;

for (const [name, call] of Object.entries(calls)) {
  test(`under docker's default profile ${name} is denied to a process without capabilities`, async (t) => {
    if (skipUnless(t, 'x86_64', process.arch === 'x64')) return;
    t.is(await errnoOf(t, withProfile, call), EPERM);
  });
}

test("under docker's default profile clone3 is answered by ENOSYS, so that C libraries fall back", async (t) => {
  t.is(await errnoOf(t, withProfile, ['435']), ENOSYS);
});

test('without the profile a user namespace can be made: the test would notice', async (t) => {
  if (skipUnless(t, 'x86_64', process.arch === 'x64')) return;
  t.is(await errnoOf(t, (config) => config, calls.unshare), 0);
});

async function errnoOf(t: ExecutionContext, change: (config: Config) => Config, call: readonly string[]): Promise<number> {
  const [outcome] = await runActions(t, change, ['syscall', ...call]);
  return outcome?.errno ?? -1;
}

function withProfile(config: Config): Config {
  return { ...config, linux: { ...config.linux, seccomp: profile } };
}
