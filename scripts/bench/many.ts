// What many running containers cost in memory of ours: `node scripts/bench/many.ts [--containers 1000]`, as root. First detached, with a
// resident supervisor; then a tenth as many in the foreground, whose helpers stay.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeBenchBundle } from './bundle.ts';
import { withSupervisor } from './with-supervisor.ts';

const { values } = parseArgs({ options: { containers: { type: 'string', default: '1000' } } });
const count = Number(values.containers);
const bundle = makeBenchBundle();
const root = join(bundle.directory, 'many');
const krun = ['bin/krun', '--root', root];
try {
  await withSupervisor(bundle.directory, measure);
} finally {
  rmSync(bundle.directory, { recursive: true, force: true });
}

async function measure(socket: string, supervisor: number): Promise<void> {
  const env = { ...process.env, KRUN_SUPERVISOR: socket };
  const before = helpers();
  try {
    for (let index = 0; index < count; index++)
      execFileSync('bin/krun', [...krun.slice(1), 'run', '--detach', '--bundle', bundle.lasting, `many-${index}`], {
        env,
        stdio: 'ignore',
      });
    const left = helpers().filter((pid) => !before.includes(pid));
    console.log(`${count} detached containers: supervisor ${mib(pss(supervisor))} MiB, ${left.length} other processes of ours`);
    if (pss(supervisor) > 100 * 1024 || left.length > 0) process.exitCode = 1;
  } finally {
    for (let index = 0; index < count; index++)
      spawnSync('bin/krun', [...krun.slice(1), 'delete', '--force', `many-${index}`], { env, stdio: 'ignore' });
  }
  await foreground(env, Math.ceil(count / 10));
}

async function foreground(env: NodeJS.ProcessEnv, many: number): Promise<void> {
  const names = Array.from({ length: many }, (_, index) => `front-${index}`);
  const children = names.map((id) =>
    spawn('bin/krun', [...krun.slice(1), 'run', '--bundle', bundle.lasting, id], { env, stdio: 'ignore' }),
  );
  try {
    while (listed('running') < many) await delay(100);
    const each = children.map(({ pid = 0 }) => pss(pid)).toSorted((a, b) => a - b);
    const most = each.at(-1) ?? 0;
    console.log(`${many} in the foreground: ${each[many >> 1]} KiB PSS each (median), ${most} at most`);
    if (most > 0.6 * 1024) process.exitCode = 1;
  } finally {
    for (const id of names) spawnSync('bin/krun', [...krun.slice(1), 'delete', '--force', id], { env, stdio: 'ignore' });
  }
}

function listed(status: string): number {
  const { stdout } = spawnSync('bin/krun', [...krun.slice(1), 'list', '--format', 'json'], { encoding: 'utf8' });
  return (JSON.parse(stdout || '[]') ?? []).filter((container: { readonly status: string }) => container.status === status).length;
}

/** Processes whose command line names our root: helpers, and what they might have left. */
function helpers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => contentOf(pid, 'cmdline').includes(root));
}

function pss(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(contentOf(pid, 'smaps_rollup'))?.[1] ?? 0);
}

function mib(kib: number): string {
  return (kib / 1024).toFixed(1);
}

function contentOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
