// CVE-2022-0811 and its kin: what is set in the container's namespace is set in the host's, by way of a path that leads there.
import { readFile } from 'node:fs/promises';
import type { Config } from '../../runtime/config/config.ts';
import { advisory } from '../support/advisory.ts';
import { runSettings } from '../support/run-process.ts';

const sysctl = '/proc/sys/net/ipv4/ip_default_ttl';

// In namespaces of the test's own, which stand for the host's.
const host = [
  'unshare',
  '-n',
  '-u',
  '--',
  'sh',
  '-c',
  `echo 77 > ${sysctl}; hostname before; "$@"; cat ${sysctl} /proc/sys/kernel/hostname >&2`,
  '-',
];

const attacks: readonly Pick<Config, 'hostname' | 'linux'>[] = [
  { hostname: 'after', linux: { namespaces: [{ type: 'uts', path: '/proc/self/ns/uts' }] } },
  { linux: { namespaces: [{ type: 'network', path: '/proc/thread-self/ns/net' }], sysctl: { 'net.ipv4.ip_default_ttl': '11' } } },
];

advisory('hostname and sysctls do not reach the host by a path to its own namespace', 'FOREIGN_NAMESPACE', async (_, binary, t) => {
  const before = await readFile(sysctl, 'utf8');
  const harm: string[] = [];
  for (const attack of attacks) {
    const { stderr, failure } = await runSettings(attack, { binary, wrapper: host });
    if (stderr !== '77\nbefore\n') harm.push(stderr);
    else t.like(failure, { op: 'openNamespace', pointer: '/linux/namespaces/0', errno: 17 });
  }
  t.is(await readFile(sysctl, 'utf8'), before);
  return harm;
});
