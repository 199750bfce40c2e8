import type { Report } from './problem.ts';
import { absentIfEmpty, type Draft, type Infer, object, record, refine, string } from './schema.ts';

const netDevice = object({}, { name: absentIfEmpty(string) });

/** config-linux.md#network-devices: devices of the host by name, moved into the container's network namespace. */
export const netDevices = refine(record(netDevice), reportNames);

export type NetDevice = Infer<typeof netDevice>;
export type NetDevices = Readonly<Record<string, NetDevice>>;

function reportNames(devices: Draft<NetDevices>, report: Report): void {
  const taken = new Map<string, string>();
  for (const [hostName, device] of Object.entries(devices)) {
    const name = device?.name ?? hostName;
    if (!isInterfaceName(hostName)) report.error([hostName], 'must be the name of a network device: at most 15 bytes, no slash or space');
    if (!isInterfaceName(name))
      report.error([hostName, 'name'], 'must be the name of a network device: at most 15 bytes, no slash or space');
    const other = taken.get(name);
    // %d is the kernel's template for "the next free number".
    if (other !== undefined && !name.includes('%d')) {
      report.error([hostName, 'name'], `must not be that of another device: ${JSON.stringify(other)} gets it too`);
    }
    taken.set(name, hostName);
  }
}

// dev_valid_name() of net/core/dev.c.
function isInterfaceName(name: string): boolean {
  return /^[^\s/:\0]{1,15}$/.test(name) && name !== '.' && name !== '..';
}
