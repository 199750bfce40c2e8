/** What the plan of the file systems needs to know beside config.json. Every path is absolute. */
export interface FileSystemContext {
  readonly bundle: string;
  /** Layers that make the root; null: the directory root.path itself. */
  readonly layers: Layers | null;
  /** Whether the helper may mount on the host (CAP_SYS_ADMIN); if not, the child does it all in its user namespace. */
  readonly privileged: boolean;
  /** Whether krun itself runs in a user namespace, where nobody may make device nodes. */
  readonly inUserNamespace: boolean;
  /** Where cgroup2 is mounted on the host; null where it is not. */
  readonly cgroup2: string | null;
  /** The container's own cgroup: where cgroup2 is mounted on the host, and the path below it; null without one. */
  readonly cgroup: { readonly mountpoint: string; readonly path: string } | null;
}

/** The layers of an overlay above root.path, as runtime/overlay has checked them. */
export interface Layers {
  /** Below root.path, topmost first. */
  readonly lowers: readonly string[];
  /** Where writes go; null: a tmpfs, gone with the container. */
  readonly writable: { readonly upper: string; readonly work: string } | null;
  /** Of that tmpfs in bytes; 0n: the kernel's default, half of the memory. */
  readonly size: bigint;
}
