// The caller's session keyring, with its keys, is the container's too.
import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { Outcome, ProbeReport } from '../support/probe.ts';
import type { Stage } from '../support/rootfs-plan.ts';
import { skipUnless } from '../support/skip.ts';

const numbers = process.arch === 'arm64' ? { addKey: 217, keyctl: 219 } : { addKey: 248, keyctl: 250 };
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEYCTL_SETPERM = 5;
const KEYCTL_SEARCH = 10;
const KEY_SPEC_SESSION_KEYRING = -3;

// A caller whose own new session holds a secret.
const seed = `
import ctypes, os, sys
call = ctypes.CDLL(None, use_errno=True).syscall
if call(${numbers.keyctl}, ${KEYCTL_JOIN_SESSION_KEYRING}, None) < 0 or call(${numbers.addKey}, b'user', b'krun-secret', b'x', 1, ${KEY_SPEC_SESSION_KEYRING}) < 0:
  sys.exit(99)
os.execvp(sys.argv[1], sys.argv[1:])`;
// Somebody else, still there, whose keyring bears the container's name and can be found by all.
const squat = (id: string) => `
import ctypes, os, sys
call = ctypes.CDLL(None, use_errno=True).syscall
ring = call(${numbers.keyctl}, ${KEYCTL_JOIN_SESSION_KEYRING}, b'_ses.${id}')
if ring < 0 or call(${numbers.addKey}, b'user', b'krun-secret', b'x', 1, ${KEY_SPEC_SESSION_KEYRING}) < 0 or call(${numbers.keyctl}, ${KEYCTL_SETPERM}, ring, 0x3f3f3f3f) < 0:
  sys.exit(99)
if os.fork() == 0:
  call(${numbers.keyctl}, ${KEYCTL_JOIN_SESSION_KEYRING}, None)
  os.execvp(sys.argv[1], sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))`;

const search = ['syscall', String(numbers.keyctl), String(KEYCTL_SEARCH), String(KEY_SPEC_SESSION_KEYRING), '@user', '@krun-secret', '0'];

const uniqueId = (): string => `keys-${randomBytes(6).toString('hex')}`;

async function look(
  stage: Stage,
  id: string,
  program: string,
  binary: string,
  t: ExecutionContext,
): Promise<readonly [Outcome, ProbeReport] | null> {
  const { exitCode } = await execa('/usr/bin/python3', ['-c', seed, '/bin/true'], { reject: false });
  if (skipUnless(t, 'session keyrings and python3', exitCode === 0)) return null;
  const args = ['/probe', ...search, ',', 'report'];
  const { stdout, failure } = await runInRootfs(stage, { process: { args } }, { binary, id, wrapper: ['/usr/bin/python3', '-c', program] });
  t.is(failure, null);
  return JSON.parse(stdout) as [Outcome, ProbeReport];
}

advisory("the caller's keys are not found in the container's session", 'SESSION_KEYRING', async (stage, binary, t) => {
  const id = uniqueId();
  const seen = await look(stage, id, seed, binary, t);
  if (seen === null) return [];
  const [found, { sessionKeyring }] = seen;
  const harm = found.errno === 0 ? ['the secret was found'] : [];
  return sessionKeyring.description?.endsWith(`;_ses.${id}`) ? harm : [...harm, `${sessionKeyring.description}`];
});

advisory("a keyring that bears the container's name already is not the container's", 'FRESH_KEYRING', async (stage, binary, t) => {
  const id = uniqueId();
  const seen = await look(stage, id, squat(id), binary, t);
  return seen === null || seen[0].errno !== 0 ? [] : ['the secret was found'];
});
