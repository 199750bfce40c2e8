import { blockIo } from './block-io.ts';
import { cpu } from './cpu.ts';
import { largestMajor, largestMinor } from './devices.ts';
import { memory } from './memory.ts';
import {
  absentIfEmpty,
  array,
  bigInteger,
  boolean,
  type Infer,
  integer,
  matching,
  nonEmptyString,
  object,
  oneOf,
  record,
  refine,
  string,
  uint32,
  uint64,
} from './schema.ts';

/** -1 as a major or minor number is "all", like leaving it out: engines write either. */
const deviceRule = object(
  { allow: boolean, access: matching(/^[rwm]{1,3}$/, 'composed of r, w and m') },
  { type: absentIfEmpty(oneOf(['a', 'c', 'b'])), major: integer(-1, largestMajor), minor: integer(-1, largestMinor) },
);

const hugepageLimit = object({ pageSize: matching(/^[1-9]\d*[KMG]B$/, 'a size such as 64KB, 2MB or 1GB'), limit: uint64 }, {});

// -1 and 0 have a meaning of their own: REFERENCE.md D; 0 becomes 1, as in runc since 1.4.
const pids = object({}, { limit: bigInteger(-1n, 2n ** 63n - 1n) });

const networkPriority = object({ name: nonEmptyString, priority: uint32 }, {});

// net_cls and net_prio exist on cgroup v1 only, and "if the conversion is not possible the runtime MUST generate an error".
const network = refine(object({}, { classID: uint32, priorities: array(networkPriority) }), ({ classID = 0, priorities = [] }, report) => {
  if (classID !== 0) report.error(['classID'], 'must be left out: cgroup v2 has no net_cls controller');
  if (priorities.length > 0) report.error(['priorities'], 'must be left out: cgroup v2 has no net_prio controller');
});

const rdmaLimit = refine(object({}, { hcaHandles: uint32, hcaObjects: uint32 }), ({ hcaHandles, hcaObjects }, report) => {
  if (hcaHandles === undefined && hcaObjects === undefined) report.error([], 'must have hcaHandles or hcaObjects');
});

const rdma = refine(record(rdmaLimit), (limits, report) => {
  for (const name of Object.keys(limits)) {
    if (!/^\S+$/.test(name)) report.error([name], 'must be the name of an RDMA device');
  }
});

/** Files of the container's cgroup by name: a key leads nowhere else. */
const unified = refine(record(string), (files, report) => {
  for (const name of Object.keys(files)) {
    if (!/^[\w-]+(\.[\w-]+)+$/.test(name)) {
      report.error([name], 'must be a file of the cgroup, such as memory.high', { hint: 'name the file only, without a directory' });
    }
  }
});

/** config-linux.md#control-groups, for cgroup v2. */
export const resources = object(
  {},
  {
    devices: array(deviceRule),
    memory,
    cpu,
    pids,
    blockIO: blockIo,
    hugepageLimits: array(hugepageLimit),
    network,
    rdma,
    unified,
  },
);

export type Resources = Infer<typeof resources>;
export type DeviceRule = Infer<typeof deviceRule>;
export type HugepageLimit = Infer<typeof hugepageLimit>;
export type Pids = Infer<typeof pids>;
export type Network = Infer<typeof network>;
export type RdmaLimit = Infer<typeof rdmaLimit>;
