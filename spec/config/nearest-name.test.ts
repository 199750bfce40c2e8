import test from 'ava';
import { nearestName } from '../../runtime/config/nearest-name.ts';

const names = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time', 'RLIMIT_NOFILE'];

for (const [given, expected] of [
  ['net', 'network'],
  ['mnt', 'mount'],
  ['usr', 'user'],
  ['cgroups', 'cgroup'],
  ['PID', 'pid'],
  ['NOFILE', 'RLIMIT_NOFILE'],
  ['RLIMIT_NOFILES', 'RLIMIT_NOFILE'],
  ['', undefined],
  ['windows', undefined],
  ['x'.repeat(10_000), undefined],
] as const) {
  test(`the nearest name to ${JSON.stringify(given.slice(0, 20))} is ${expected ?? 'none'}`, (t) =>
    t.is(nearestName(given, names), expected));
}
