/** What `krun supervisor` tells the process that it becomes, as JSON in its first argument. */
export interface ResidentSettings {
  /** The socket when it is ours to remove; null when it is systemd's. */
  readonly socketPath: string | null;
  /** Leave after so many seconds without a call; null: never. */
  readonly idleSeconds: number | null;
}
