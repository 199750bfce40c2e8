// The points at which helper and init wait for each other, in the order in which init comes to them.
export const stages = {
  /** The process is there, and systemd moves it to its cgroup. */
  entered: 5,
  /** init is there, and the helper writes its id maps and does what takes the host's rights. */
  idMaps: 10,
  /** In exec: the process is there, and the helper puts it into its groups of resctrl. */
  grouped: 15,
  /** init is in its network namespace, and the helper moves devices there. */
  networked: 20,
  /** Everything is mounted, so that limits and the device program no longer stand in the way. */
  mounted: 40,
  /** Everything is mounted and the root not yet pivoted: the helper runs prestart and createRuntime hooks. */
  hooks: 45,
  /** The helper has recorded init in the state directory. */
  recorded: 50,
  /** The root is pivoted: who joins init's namespaces sees nothing of the host, and the container counts as running. */
  pivoted: 60,
  /** All is set up but limits and identity: the helper sets what init, in its user namespace, may not. */
  limits: 90,
  /** All of `create` is done but what takes the helper: the pid file. */
  created: 95,
  /** Nothing can fail any more in `create`: init goes to the gate, and outlives the helper. */
  released: 96,
} as const;
