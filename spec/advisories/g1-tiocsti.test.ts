// CVE-2017-5226, CVE-2016-10124, CVE-2019-7303, CVE-2023-28100: keys put into the caller's terminal, and the filter against it bypassed by high bits.
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { advisory } from '../support/advisory.ts';
import { makeBundle } from '../support/bundle.ts';
import { runActions, withArguments } from '../support/krun.ts';
import { makeLauncher } from '../support/launcher.ts';
import { testHelper } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;
const { EPERM } = constants.errno;
const ioctl = process.arch === 'arm64' ? '29' : '16';
const requests = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c };
const TIOCOUTQ = 0x5411;
const highBit = 0x1_0000_0000;

for (const [name, request] of Object.entries(requests)) {
  test(`a rule that denies ${name} holds at a terminal of the container's own, also with high bits set`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const actions = [request, request + highBit, TIOCOUTQ].map((number) => [
      'syscall',
      ioctl,
      '0',
      `0x${number.toString(16)}`,
      '@xxxxxxxx',
    ]);
    const outcomes = await runActions(t, (config) => denying(request, config), ...actions);
    t.deepEqual(
      outcomes.map(({ errno }) => errno),
      [EPERM, EPERM, 0],
      'the last one shows that the terminal is there and others pass',
    );
  });
}

// EIO is what a kernel says to everybody where dev.tty.legacy_tiocsti is off: there nothing can be told apart.
const legacy = 'dev.tty.legacy_tiocsti';
const terminals = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

advisory(
  'without a filter and a terminal of its own, a process cannot type at the terminal of the caller',
  'OWN_SESSION',
  async (_stage, binary, t) => {
    if ((await readFile('/proc/sys/dev/tty/legacy_tiocsti', 'latin1').catch(() => '1')).trim() === '0') {
      t.log(`skipped: needs ${legacy}`);
      return binary === testHelper ? [] : ['not to be told'];
    }
    const args = ['/probe', 'syscall', ioctl, '0', '0x5412', '@x', ',', 'syscall', ioctl, '0', `0x${TIOCOUTQ.toString(16)}`, '@xxxxxxxx'];
    const { path, id } = await makeBundle(t, (config) => withArguments(config, args));
    const { runProgram } = await makeLauncher(t, 1);
    const words = [binary, '--root', join(path, 'state'), 'run', '--bundle', path, id];
    const { status, stdout, stderr } = await runProgram(['/usr/bin/python3', '-c', terminals, ...words]);
    t.is(status, 0, stderr);
    const [typed, asked] = JSON.parse(/\[.*\]/s.exec(stdout)?.[0] ?? '') as { errno: number }[];
    t.is(asked?.errno, 0, 'it is the terminal of the caller');
    return typed?.errno === EPERM ? [] : [`TIOCSTI: ${typed?.errno}`];
  },
);

function denying(request: number, config: Config): Config {
  const low32 = { index: 1, value: 0xffff_ffffn, valueTwo: BigInt(request), op: 'SCMP_CMP_MASKED_EQ' } as const;
  return {
    ...config,
    process: { cwd: '/', args: [], ...config.process, terminal: true },
    linux: {
      ...config.linux,
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['ioctl'], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, args: [low32] }],
      },
    },
  };
}
