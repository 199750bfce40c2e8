// Where an answer is made: per call (null), or in a resident supervisor, which can tell about itself.
export interface Home {
  readonly status: () => ServiceStatus;
  /** Which command the call at hand is. */
  readonly serving: (command: string) => void;
}

/** What `krun supervisor status` shows. Times in milliseconds, memory in bytes. */
export interface ServiceStatus {
  readonly pid: number;
  readonly version: string;
  readonly uptime: number;
  /** Answers to run and create. */
  readonly starts: number;
  /** Answers to anything. */
  readonly answers: number;
  /** Calls that were left to a supervisor of their own. */
  readonly refusals: number;
  /** From accepting a connection to its answer, of the last thousand answers. */
  readonly p50: number;
  readonly p99: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Starts that were like one before (plan-templates.ts). */
  readonly templateHits: number;
  /** Connections whose request is not complete. */
  readonly waiting: number;
  readonly memory: number;
}
