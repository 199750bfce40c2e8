// linux.netDevices, with devices of a network namespace that each test makes for itself: those of the machine are never touched.
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { NetDevices } from '../../runtime/config/config.ts';
import { makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withLinux, withProcess, withUserNamespace } from '../support/change-config.ts';
import { type KrunResult, krunBinary } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const veth = 'ip link add krun0 type veth peer name krun1';
const addresses = 'ip addr add 192.0.2.7/24 brd 192.0.2.255 dev krun0; ip -6 addr add 2001:db8::7/64 dev krun0';

test('a device comes with its permanent global addresses, under its new name, and up', async (t) => {
  const result = await runWith(t, { krun0: { name: 'eth0' } }, `${veth}; ${addresses}; ip link set krun0 up`);
  if (result === null) return;
  t.is(result.status, 0, result.stderr);
  t.regex(result.stdout, /eth0.*[<,]UP[,>]/);
  t.regex(result.stdout, /inet 192\.0\.2\.7\/24 brd 192\.0\.2\.255 /);
  t.regex(result.stdout, /inet6 2001:db8::7\/64 /);
  t.notRegex(result.stdout, /krun0/);
});

test('a device without a new name keeps its own, and its peer stays', async (t) => {
  const result = await runWith(t, { krun0: {} }, veth);
  if (result === null) return;
  t.is(result.status, 0, result.stderr);
  t.regex(result.stdout, /krun0@.*[<,]UP[,>]/);
  t.notRegex(result.stdout, /krun1:/);
});

test('a template takes the next free number', async (t) => {
  const change = { krun0: { name: 'net%d' }, krun1: { name: 'net%d' } };
  const result = await runWith(t, change, veth);
  if (result === null) return;
  t.is(result.status, 0, result.stderr);
  t.regex(result.stdout, /net0@net1/);
  t.regex(result.stdout, /net1@net0/);
});

test('a user namespace is no obstacle', async (t) => {
  const result = await runWith(t, { krun0: { name: 'eth0' } }, `${veth}; ${addresses}`, withUserNamespace());
  if (result === null) return;
  t.is(result.status, 0, result.stderr);
  t.regex(result.stdout, /inet 192\.0\.2\.7\/24/);
});

test('sysctls of a moved device can be set', async (t) => {
  const sysctl = withLinux({ sysctl: { 'net.ipv4.conf.eth0.forwarding': '1' } });
  const result = await runWith(t, { krun0: { name: 'eth0' } }, veth, sysctl);
  if (result === null) return;
  t.is(result.status, 0, result.stderr);
});

test('a name that is taken is refused, and the device stays where it was', async (t) => {
  const result = await runWith(t, { krun0: { name: 'lo' } }, `${veth}; trap 'ip -o link' EXIT`);
  if (result === null) return;
  t.is(result.status, 1);
  t.regex(result.stderr, /"lo"[\s\S]*code: E_NET_DEVICE/);
  t.regex(result.stderr, /linux\/netDevices\/krun0|netDevices/);
  t.regex(result.stdout, /krun0@krun1/);
});

test('a device that is not there is named', async (t) => {
  const result = await runWith(t, { missing0: {} }, 'true');
  if (result === null) return;
  t.is(result.status, 1);
  t.regex(result.stderr, /"missing0"[\s\S]*code: E_NET_DEVICE/);
});

// In a fresh network namespace: `prepare` makes devices, the container lists those that it sees.
async function runWith(t: ExecutionContext, netDevices: NetDevices, prepare: string, change: ConfigChange = (config) => config) {
  if (skipUnless(t, 'root', isRoot)) return null;
  if (skipUnless(t, 'ip and veth devices', await hasVeth())) return null;
  const show = withProcess({ args: ['/bin/busybox', 'ip', 'addr'] });
  const bundle = await makeBundle(t, all(withLinux({ netDevices }), show, change));
  const script = `set -e; ${prepare}; "$0" run --bundle "$1" "$2"`;
  const words = ['-n', 'sh', '-c', script, krunBinary, bundle.path, bundle.id];
  const { exitCode, stdout, stderr, signal } = await execa('unshare', words, { reject: false, stdin: 'ignore', timeout: 60_000 });
  return { status: exitCode ?? -1, stdout, stderr, signal } satisfies KrunResult;
}

async function hasVeth(): Promise<boolean> {
  const { exitCode } = await execa('unshare', ['-n', 'sh', '-c', veth], { reject: false });
  return exitCode === 0;
}
