// The caller's session keyring, with its keys, is the container's too.
import { execa } from 'execa';
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { Outcome, ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const numbers = process.arch === 'arm64' ? { addKey: 217, keyctl: 219 } : { addKey: 248, keyctl: 250 };
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEYCTL_SEARCH = 10;
const KEY_SPEC_SESSION_KEYRING = -3;

// A caller whose own new session holds a secret.
const seed = `
import ctypes, os, sys
call = ctypes.CDLL(None, use_errno=True).syscall
if call(${numbers.keyctl}, ${KEYCTL_JOIN_SESSION_KEYRING}, None) < 0 or call(${numbers.addKey}, b'user', b'krun-secret', b'x', 1, ${KEY_SPEC_SESSION_KEYRING}) < 0:
  sys.exit(99)
os.execvp(sys.argv[1], sys.argv[1:])`;
const wrapper = ['/usr/bin/python3', '-c', seed];

advisory("the caller's keys are not found in the container's session", 'SESSION_KEYRING', async (stage, binary, t) => {
  const { exitCode } = await execa('/usr/bin/python3', ['-c', seed, '/bin/true'], { reject: false });
  if (skipUnless(t, 'session keyrings and python3', exitCode === 0)) return [];
  const search = ['syscall', String(numbers.keyctl), String(KEYCTL_SEARCH), String(KEY_SPEC_SESSION_KEYRING), '@user', '@krun-secret', '0'];
  const { stdout, failure } = await runInRootfs(stage, { process: { args: ['/probe', ...search, ',', 'report'] } }, { binary, wrapper });
  t.is(failure, null);
  const [found, report] = JSON.parse(stdout) as [Outcome, ProbeReport];
  const harm = found.errno === 0 ? ['the secret was found'] : [];
  return report.sessionKeyring.description?.endsWith(';_ses.test') ? harm : [...harm, `${report.sessionKeyring.description}`];
});
