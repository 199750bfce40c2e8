// Many starts by one resident supervisor: its memory must stay flat, and nothing may be left. `npm run soak -- --starts 50000`
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { makeBenchBundle } from './bundle.ts';
import { withSupervisor } from './with-supervisor.ts';

const { values } = parseArgs({ options: { starts: { type: 'string', default: '10000' }, parts: { type: 'string', default: '10' } } });
const atOnce = 4;
const bundle = makeBenchBundle();
try {
  await withSupervisor(bundle.directory, soak);
} finally {
  rmSync(bundle.directory, { recursive: true, force: true });
}

async function soak(socket: string, pid: number): Promise<void> {
  const [starts, parts] = [Number(values.starts), Number(values.parts)];
  const each = Math.ceil(starts / parts / atOnce);
  console.log('starts  RSS MiB  anonymous MiB  descriptors');
  const memory: number[] = [];
  for (let part = 1; part <= parts; part++) {
    await Promise.all(Array.from({ length: atOnce }, (_, index) => start(socket, each, `krun-soak-${index}`)));
    const { rss, anonymous, descriptors } = weigh(pid);
    memory.push(anonymous);
    console.log(
      `${String(part * each * atOnce).padStart(6)}  ${rss.toFixed(1).padStart(7)}  ${anonymous.toFixed(1).padStart(13)}  ${descriptors}`,
    );
  }
  const [first = 0, last = 0] = [memory[Math.floor(parts / 3)], memory.at(-1)];
  console.log(`${last - first <= 8 ? 'flat' : 'GROWS'}: ${(last - first).toFixed(1)} MiB more than after a third of the starts`);
  if (last - first > 8) process.exitCode = 1;
}

async function start(socket: string, count: number, id: string): Promise<void> {
  const words = [String(count), '-', 'bin/krun', 'run', '--bundle', bundle.quick, id];
  const child = spawn('.cache/measure', words, {
    env: { ...process.env, KRUN_SUPERVISOR: socket },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`a start failed (${status})`);
}

function weigh(pid: number): { readonly rss: number; readonly anonymous: number; readonly descriptors: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { rss: of('VmRSS'), anonymous: of('RssAnon'), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}
