import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Calls `use` with the socket of a resident supervisor that lives as long. */
export async function withSupervisor<T>(directory: string, use: (socket: string, pid: number) => Promise<T>): Promise<T> {
  const socket = join(directory, 'supervisor/socket');
  const supervisor = spawn('bin/krun', ['supervisor'], { env: { KRUN_SUPERVISOR: socket }, stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(supervisor, 'exit');
  try {
    while (!existsSync(socket)) {
      if (supervisor.exitCode !== null) throw new Error('the supervisor has ended');
      await delay(10);
    }
    return await use(socket, supervisor.pid ?? 0);
  } finally {
    supervisor.kill();
    await ended;
  }
}
