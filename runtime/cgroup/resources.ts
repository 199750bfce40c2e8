// linux.resources → files of cgroup v2. The device rules are a program: device-program.ts.
import type { HugepageLimit, Pids, RdmaLimit, Resources } from '../config/config.ts';
import { toPointer } from '../config/problem.ts';
import { KrunError } from '../errors/krun-error.ts';
import { cpuSettings, cpusetSettings } from './cpu.ts';
import { ioSettings } from './io.ts';
import { memorySettings } from './memory.ts';
import { orMax, type Setting, setting } from './setting.ts';

/** Every limit in the order in which it is to be written; what runc's table calls "unset" is not in it. */
export function resourceSettings(resources: Resources, host: { readonly ioWeightFiles: readonly string[] }): Setting[] {
  const { pids, memory, blockIO, cpu, hugepageLimits = [], rdma = {}, unified = {} } = resources;
  return [
    ...(pids === undefined ? [] : pidsSettings(pids)),
    ...(memory === undefined ? [] : memorySettings(memory)),
    ...(blockIO === undefined ? [] : ioSettings(blockIO, host)),
    ...(cpu === undefined ? [] : [...cpuSettings(cpu), ...cpusetSettings(cpu)]),
    ...hugepageLimits.flatMap(hugepageSettings),
    ...Object.entries(rdma).map(rdmaSetting),
    ...Object.entries(unified).map(unifiedSetting),
  ];
}

// A limit of 0 is the smallest that lets the container's process be (runc since 1.4). The kernel takes none above its own
// PID_MAX_LIMIT, which no container can reach either.
function pidsSettings({ limit }: Pids): Setting[] {
  if (limit === undefined) return [];
  const value = limit === 0n ? '1' : limit > pidMaxLimit ? 'max' : orMax(limit);
  return [setting('pids.max', value, '/pids/limit')];
}

const pidMaxLimit = 4_194_304n;

// Both what is in use and what is reserved: mmap takes the reservation, and would get SIGBUS for a limit on use alone.
function hugepageSettings({ pageSize, limit }: HugepageLimit, index: number): Setting[] {
  const pointer = `/hugepageLimits/${index}`;
  return [setting(`hugetlb.${pageSize}.max`, limit, pointer), setting(`hugetlb.${pageSize}.rsvd.max`, limit, pointer, true)];
}

function rdmaSetting([device, { hcaHandles, hcaObjects }]: [string, RdmaLimit]): Setting {
  const handles = hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`];
  const objects = hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`];
  return setting('rdma.max', [device, ...handles, ...objects].join(' '), toPointer(['rdma', device]));
}

function unifiedSetting([file, value]: [string, string]): Setting {
  const pointer = toPointer(['unified', file]);
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/.test(file))
    throw new KrunError('E_BAD_CGROUP', `unified["${file}"] must be a file of the cgroup, such as memory.high`, {
      pointer: `/linux/resources${pointer}`,
    });
  if (reserved.has(file))
    throw new KrunError('E_BAD_CGROUP', `unified must not set ${file}: krun itself works by it`, {
      pointer: `/linux/resources${pointer}`,
    });
  return setting(file, value, pointer);
}

// They move, stop or end processes, or make the cgroup unfit to hold any.
const reserved = new Set(['cgroup.procs', 'cgroup.threads', 'cgroup.kill', 'cgroup.freeze', 'cgroup.subtree_control']);
