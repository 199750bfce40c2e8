// A mount namespace where cgroup2 is all there is of cgroups, for sequences of commands: what runc and crun ask for to work as on
// today's hosts. It is there until end() is called.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options } from 'execa';

export interface World {
  readonly run: (words: readonly string[]) => Promise<Ran>;
  readonly end: () => Promise<void>;
}

export interface Ran {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export async function makeWorld(): Promise<World> {
  const script = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && echo ready && read line';
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit').then(() => Promise.reject(new Error('no mount namespace')))]);
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-'));
  let runs = 0;
  return {
    run: (words) => runIn(holder.pid ?? 0, words, join(directory, String(runs++))),
    end: async () => {
      const ended = once(holder, 'exit');
      holder.stdin.end();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

// Files, as what is created keeps them. Standard input is not /dev/null: for a user namespace crun 1.8 gives the host's own null device
// to the mapped root.
async function runIn(holder: number, words: readonly string[], files: string): Promise<Ran> {
  const [out, err] = [openSync(`${files}.out`, 'w'), openSync(`${files}.err`, 'w')];
  const input = openSync(`${files}.in`, 'w+');
  try {
    const options = { stdio: [input, out, err], reject: false, timeout: 30_000 } as Options;
    const { exitCode } = await execa('nsenter', [`--mount=/proc/${holder}/ns/mnt`, ...words], options);
    return { status: exitCode, stdout: readFileSync(`${files}.out`, 'utf8'), stderr: readFileSync(`${files}.err`, 'utf8') };
  } finally {
    for (const fd of [input, out, err]) closeSync(fd);
  }
}
