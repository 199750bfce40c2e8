// scripts/vm: see `usage` below.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDependencies, ensureImage, project } from './image.ts';
import { boot, type Machine, remember, runningMachine, stop } from './machine.ts';
import { runInside } from './run-inside.ts';
import { sendProject } from './send-project.ts';

const usage = `usage: scripts/vm COMMAND
  run [--user NAME] [--timeout SECONDS] [--] PROGRAM…   run a program in /krun of a VM; its status is ours
  shell [--user NAME]                                   the same with a shell and a terminal
  test [--timeout SECONDS] [FILE…]                      run tests there: all that vm.config.js names, or these
  start, stop                                           a VM that stays: run, shell and test then use it
  send                                                  send bin, dist, runtime and spec once more to the VM that stays
  image                                                 make the image, and print where it is
NAME is root (the default), user (with subordinate ids and a lingering user manager) or plain (without).
run, shell and test boot a VM of their own unless one stays, and send the project as it is built here.
`;

const remembered = join(project, '.cache/vm.json');
const { values, positionals } = parseArgs({
  args: commandLine(process.argv.slice(2)),
  allowPositionals: true,
  options: { user: { type: 'string', default: 'root' }, timeout: { type: 'string' } },
});
const [command, ...rest] = positionals;
const limit = Number(values.timeout ?? (command === 'shell' ? 1e6 : 3600)) * 1000;

try {
  process.exitCode = await perform();
} catch (error) {
  console.error(`vm: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function perform(): Promise<number> {
  switch (command) {
    case 'run':
      return await withMachine((machine) => runInside(machine, { user: values.user, command: rest, terminal: false, limit }));
    case 'shell':
      return await withMachine((machine) => runInside(machine, { user: values.user, command: ['bash', '-l'], terminal: true, limit }));
    case 'test':
      return await withMachine((machine) =>
        runInside(machine, { user: 'root', command: ['scripts/test-vm', ...rest], terminal: false, limit }),
      );
    case 'start':
      await startStaying();
      return 0;
    case 'stop':
      await stopStaying();
      return 0;
    case 'send':
      await sendProject(staying());
      return 0;
    case 'image':
      console.log(await ensureImage());
      return 0;
    default:
      process.stderr.write(usage);
      return 2;
  }
}

/** A machine for one use, unless one stays; the project is sent anew either way. */
async function withMachine(use: (machine: Machine) => Promise<number>): Promise<number> {
  const present = runningMachine(remembered);
  const machine = present ?? (await bootNew(false));
  const leave = () => void stop(machine).finally(() => process.exit(130));
  if (present === undefined) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, leave);
  try {
    await sendProject(machine);
    return await use(machine);
  } finally {
    if (present === undefined) await stop(machine);
  }
}

async function startStaying(): Promise<void> {
  let machine = runningMachine(remembered);
  if (machine === undefined) {
    machine = await bootNew(true);
    mkdirSync(join(project, '.cache'), { recursive: true });
    remember(remembered, machine);
  }
  await sendProject(machine);
}

async function stopStaying(): Promise<void> {
  const machine = runningMachine(remembered);
  if (machine !== undefined) await stop(machine);
  rmSync(remembered, { force: true });
}

function staying(): Machine {
  const machine = runningMachine(remembered);
  if (machine === undefined) throw new Error('no VM stays here; scripts/vm start makes one');
  return machine;
}

async function bootNew(stays: boolean): Promise<Machine> {
  if (process.arch !== 'x64') throw new Error(`scripts/vm is for x86_64, not ${process.arch}; Vagrant (see Vagrantfile) may have a box`);
  const [image, dependencies] = [await ensureImage(), await ensureDependencies()];
  const begun = Date.now();
  const machine = await boot({ image, dependencies, stays });
  console.error(`vm: booted in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  return machine;
}

// The options of a program are its own: all after its name is let through.
function commandLine(args: readonly string[]): string[] {
  if (args[0] !== 'run' || args.includes('--')) return [...args];
  let first = 1;
  while (args[first]?.startsWith('--')) first += args[first]?.includes('=') ? 1 : 2;
  return [...args.slice(0, first), '--', ...args.slice(first)];
}
