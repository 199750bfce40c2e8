import type { Config, IoPriority, MemoryPolicy, Personality, Scheduler } from '../config/config.ts';
import { memoryPolicyModes } from '../config/memory-policy.ts';
import { ioPriorityClasses, parseNumberList, schedulerFlags, schedulerPolicies } from '../config/scheduling.ts';
import type { Op } from './ops.ts';

/**
 * How the kernel is to schedule the process, on which processors and memory nodes, and what it takes it for: while it still has
 * CAP_SYS_NICE. The caller's own CPU affinity does not bind the container: its cgroup does.
 */
export function planScheduling({ process, linux }: Pick<Config, 'process' | 'linux'>, cpus: readonly number[] = []): readonly Op[] {
  const ops: Op[] = [{ op: 'setAffinity', pointer: cpus.length === 0 ? '' : '/process/execCPUAffinity/final', cpus }];
  if (process?.scheduler !== undefined) ops.push(planScheduler(process.scheduler));
  if (process?.ioPriority !== undefined) ops.push(planIoPriority(process.ioPriority));
  if (linux?.personality !== undefined) ops.push(planPersonality(linux.personality));
  if (linux?.memoryPolicy !== undefined) ops.push(planMemoryPolicy(linux.memoryPolicy));
  return ops;
}

// The lists of the configuration are in the order of the kernel's numbers: SCHED_OTHER is 0, the first flag is bit 0 (sched_setattr(2)).
function planScheduler({ policy, flags = [], nice = 0, priority = 0, runtime = 0n, deadline = 0n, period = 0n }: Scheduler): Op {
  return {
    op: 'setScheduler',
    pointer: '/process/scheduler',
    policy: schedulerPolicies.indexOf(policy),
    flags: flags.reduce((bits, flag) => bits | (1n << BigInt(schedulerFlags.indexOf(flag))), 0n),
    nice,
    priority,
    runtime,
    deadline,
    period,
  };
}

// ioprio_set(2): IOPRIO_CLASS_RT is 1.
function planIoPriority({ class: name, priority }: IoPriority): Op {
  return { op: 'setIoPriority', pointer: '/process/ioPriority', priority: ((ioPriorityClasses.indexOf(name) + 1) << 13) | priority };
}

// <linux/personality.h>: PER_LINUX and PER_LINUX32.
function planPersonality({ domain }: Personality): Op {
  return { op: 'setPersonality', pointer: '/linux/personality', persona: domain === 'LINUX32' ? 8 : 0 };
}

// <linux/mempolicy.h>: MPOL_DEFAULT is 0.
function planMemoryPolicy({ mode, nodes, flags = [] }: MemoryPolicy): Op {
  const bits = flags.reduce((all, flag) => all | memoryPolicyFlagBits[flag], 0);
  const list = nodes === undefined ? [] : (parseNumberList(nodes) ?? []);
  return { op: 'setMemoryPolicy', pointer: '/linux/memoryPolicy', mode: memoryPolicyModes.indexOf(mode) | bits, nodes: list };
}

const memoryPolicyFlagBits = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const;
