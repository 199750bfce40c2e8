/** What the helper says of an op that failed; everything else is for the supervisor to find out. */
export interface FailureReport {
  /** Its name in the op table; '' when no op was running. */
  readonly op: string;
  /** Its number in the plan, as `krun plan` prints it. */
  readonly index: number;
  /** JSON pointer into config.json; '' when the op comes from none. */
  readonly pointer: string;
  readonly syscall: string;
  readonly errno: number;
  readonly path: string;
  /** Facts as key=value, or the kernel's own words. */
  readonly detail: string;
}
