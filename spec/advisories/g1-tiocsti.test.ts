// CVE-2017-5226, CVE-2016-10124, CVE-2019-7303, CVE-2023-28100: keys put into the caller's terminal, and the filter against it bypassed by high bits.
import { constants } from 'node:os';
import test from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { makeBundle } from '../support/bundle.ts';
import { krunBinary, runActions, withArguments } from '../support/krun.ts';
import { sitDown } from '../support/person.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;
const { EPERM, EIO } = constants.errno;
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

test('without a filter and a terminal of its own, a process cannot type at the terminal of the caller', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const args = ['/probe', 'syscall', ioctl, '0', '0x5412', '@x', ',', 'syscall', ioctl, '0', `0x${TIOCOUTQ.toString(16)}`, '@xxxxxxxx'];
  const bundle = await makeBundle(t, (config) => withArguments(config, args));
  const person = sitDown(t, krunBinary, ['run', '--bundle', bundle.path, bundle.id]);
  const [first, second] = JSON.parse(await person.see(/\[.*\]/s)) as { errno: number }[];
  t.true(first?.errno === EPERM || first?.errno === EIO, String(first?.errno)); // EIO: dev.tty.legacy_tiocsti is off
  t.is(second?.errno, 0, 'it is the terminal of the caller');
  t.like(await person.end, { exitCode: 0 });
});

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
