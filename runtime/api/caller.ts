import { isatty } from 'node:tty';
import type { Caller } from '../container/caller.ts';

/** The program itself, as a helper would describe its caller. Sockets that systemd has given to the program are not the container's. */
export function describeProgram(): Caller {
  const env = new Map(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  env.delete('LISTEN_PID');
  return {
    argv: [],
    cwd: process.cwd(),
    env,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    pid: process.pid,
    umask: 0o022, // no plan asks for it, and reading it would change it for a moment
    terminals: [0, 1, 2].map((descriptor) => isatty(descriptor)),
  };
}
