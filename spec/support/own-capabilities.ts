import { readFileSync } from 'node:fs';
import { capabilityNames } from '../../runtime/config/capabilities.ts';

/** Whether the process that runs the tests has a capability. */
export function hasCapability(name: (typeof capabilityNames)[number]): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(capabilityNames.indexOf(name))) & 1n) === 1n;
}
