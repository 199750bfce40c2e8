import type { Op } from './ops.ts';

/** The cgroup that the container lives in: made by krun (cgroup.ts) or by systemd (scope.ts). */
export interface CgroupPlan {
  /** The slot that `clone` joins; null when the container has no cgroup of its own, or comes into it by `enter`. */
  readonly slot: 'cgroup' | null;
  /** What `delete` needs to find it again. */
  readonly cgroup: { readonly mountpoint: string; readonly path: string } | null;
  /** Whose unit of systemd it is; null: it is none. */
  readonly unit: SystemdUnit | null;
  /** Before the clone: makes it, and pushes the `exit` program, first, so that nothing can come between. */
  readonly create: readonly Op[];
  /** In the helper, right after the clone, whose process waits for it (stages.entered); none: it is born in the cgroup. */
  readonly enter: readonly Op[];
  /** In the helper, once init is in it. */
  readonly entered: readonly Op[];
  /**
   * Limits and device program: after the container's file systems are mounted (the rules would keep a block device from being
   * mounted, and set-up would count against the limits), before its process starts.
   */
  readonly confine: readonly Op[];
  /** Ends all processes in it and removes it. */
  readonly exit: readonly Op[];
}

export interface SystemdUnit {
  /** Its name, such as krun-c1.scope. */
  readonly unit: string;
  /** The caller's own systemd has it, not the system's. */
  readonly user: boolean;
}
