// What the helper tells about its caller. argv is without the program's own name: ['run', '-b', '.', 'c1'].
export interface Caller {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  readonly umask: number;
  /** Which of stdin, stdout, stderr are terminals. */
  readonly terminals: readonly boolean[];
}
