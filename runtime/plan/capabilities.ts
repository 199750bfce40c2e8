import { capabilityNames } from '../config/capabilities.ts';
import type { Capabilities, Process } from '../config/config.ts';
import type { Op } from './ops.ts';

export interface CapabilityPlan {
  /** Before the change of user. */
  readonly before: readonly Op[];
  /** After it. */
  readonly after: readonly Op[];
}

/**
 * The five capability sets exactly as process.capabilities has them; a set that is absent is empty, and so are all without
 * process.capabilities (where runc leaves the caller's own, crun drops all: nobody means to give away all of root's).
 */
export function planCapabilities({ capabilities = {}, user }: Pick<Process, 'capabilities' | 'user'>): CapabilityPlan {
  const pointer = '/process/capabilities';
  const { bounding, effective, permitted, inheritable, ambient } = capabilitySets(capabilities);
  const drop: Op = { op: 'dropBoundingSet', pointer: `${pointer}/bounding`, keep: bounding };
  const changesUser = (user?.uid ?? 0) !== 0;
  return {
    before: changesUser ? [drop, { op: 'keepCapabilities', pointer }] : [drop],
    after: [
      { op: 'setCapabilities', pointer, effective, permitted, inheritable },
      { op: 'setAmbient', pointer: `${pointer}/ambient`, ambient },
    ],
  };
}

type Sets = Readonly<Record<keyof Capabilities, bigint>>;

/** Each set as bits, by the numbers of linux/capability.h; names that are not known have been warned of, and are skipped. */
export function capabilitySets({ bounding, effective, permitted, inheritable, ambient }: Capabilities): Sets {
  return {
    bounding: bits(bounding),
    effective: bits(effective),
    permitted: bits(permitted),
    inheritable: bits(inheritable),
    ambient: bits(ambient),
  };
}

function bits(names: readonly string[] = []): bigint {
  const known = names.map((name) => (capabilityNames as readonly string[]).indexOf(name)).filter((number) => number >= 0);
  return known.reduce((set, number) => set | (1n << BigInt(number)), 0n);
}
