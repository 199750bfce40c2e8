// The points at which helper and init wait for each other, in the order in which init comes to them.
export const stages = {
  /** init is there, and the helper writes its id maps and does what takes the host's rights. */
  idMaps: 10,
  /** Everything is mounted, so that limits and the device program no longer stand in the way. */
  mounted: 40,
  /** The helper has recorded init in the state directory. */
  recorded: 50,
  /** All is set up but limits and identity: the helper sets what init, in its user namespace, may not. */
  limits: 90,
} as const;
