// One virtual machine: qemu, told apart by nothing but its directory, and reached by ssh through a port of this host.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Accelerator, accelerators, noteFailure } from './accelerator.ts';
import type { ImageDirectory } from './image.ts';

export interface Machine {
  /** Holds `console`, what the guest has written to its serial line, and the socket of ssh. */
  readonly directory: string;
  readonly image: ImageDirectory;
  readonly pid: number;
  readonly port: number;
}

export interface BootOptions {
  readonly image: ImageDirectory;
  readonly dependencies: string;
  /** Whether it outlives this process. */
  readonly stays: boolean;
}

const bootLimit = 600_000; // 20 s where nothing else runs, 3 minutes were seen where much else does

/** Boots a machine; ready for ssh when it returns. Throws with the end of its console. */
export async function boot(options: BootOptions): Promise<Machine> {
  for (const accelerator of await accelerators()) {
    const machine = await startQemu(options, accelerator);
    try {
      await untilReady(machine);
      return machine;
    } catch (error) {
      await stop(machine);
      if (accelerator.name !== 'kvm') throw error;
      noteFailure();
      console.error('vm: KVM is there, but does not work; going on without it');
    }
  }
  throw new Error('no accelerator is left'); // not reached: the last throws above
}

/** Ends a machine and removes its directory. What it has written to its disks is lost. */
export async function stop(machine: Machine): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!runs(machine)) break;
    process.kill(machine.pid, signal);
    for (let i = 0; i < 100 && runs(machine); i++) await delay(50);
  }
  rmSync(machine.directory, { recursive: true, force: true });
}

/** Whether its qemu is still there: a pid alone may be somebody else's by now. */
export function runs(machine: Machine): boolean {
  try {
    const [stat, command] = ['stat', 'cmdline'].map((name) => readFileSync(`/proc/${machine.pid}/${name}`, 'latin1')) as [string, string];
    if (/\) Z /.test(stat)) return false;
    return command === '' || command.includes(machine.directory); // empty while setpriv becomes qemu
  } catch {
    return false;
  }
}

/** The last lines of its console, for an error. */
export function consoleTail(machine: Machine): string {
  const lines = ['console', 'qemu'].flatMap((name) => {
    const file = join(machine.directory, name);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-30) : [];
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours and the like are what goes
  return lines.map((line) => `  | ${line.replace(/\x1b\[[0-9;?!]*[a-zA-Z]|[\r\x1b]/g, '')}`).join('\n');
}

/** The arguments of ssh that come before a command. */
export function sshArguments(machine: Machine, user: string): string[] {
  const options = {
    BatchMode: 'yes',
    ConnectTimeout: 120,
    ControlMaster: 'auto',
    ControlPath: join(machine.directory, `ssh-${user}`),
    ControlPersist: 'yes',
    HostKeyAlias: 'krun-vm',
    IdentitiesOnly: 'yes',
    LogLevel: 'ERROR',
    ServerAliveInterval: 60,
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: join(machine.image, 'known_hosts'),
  };
  const settings = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-F', 'none', '-i', join(machine.image, 'key'), '-p', `${machine.port}`, ...settings, `${user}@127.0.0.1`];
}

async function startQemu(options: BootOptions, accelerator: Accelerator): Promise<Machine> {
  const directory = mkdtempSync(join(tmpdir(), 'krun-vm-')); // short: the path of a socket has 108 bytes
  const port = await freePort();
  const command = ['qemu-system-x86_64', ...qemuArguments(options, accelerator, directory, port)];
  const program = options.stays ? command : ['setpriv', '--pdeathsig', 'KILL', ...command];
  const log = openSync(join(directory, 'qemu'), 'w');
  const child = spawn(program[0] as string, program.slice(1), { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  child.unref();
  return { directory, image: options.image, pid: child.pid as number, port };
}

function qemuArguments(options: BootOptions, accelerator: Accelerator, directory: string, port: number): string[] {
  const disk = (file: string) => ['-drive', `file=${file},if=virtio,format=raw,snapshot=on`];
  const kernel = 'root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1 mitigations=off tsc=reliable';
  return [
    ...['-name', 'krun-vm', '-machine', 'q35', ...accelerator.qemuArguments, '-smp', '2', '-m', '2048'],
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${join(directory, 'console')}`],
    ...['-kernel', join(options.image, 'vmlinuz'), '-initrd', join(options.image, 'initrd'), '-append', kernel],
    ...[...disk(join(options.image, 'root.img')), ...disk(options.dependencies)],
    ...['-nic', `user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`],
  ];
}

async function untilReady(machine: Machine): Promise<void> {
  const has = (name: string, text: string) => {
    const file = join(machine.directory, name);
    return existsSync(file) && readFileSync(file, 'latin1').includes(text);
  };
  for (const begun = Date.now(); !has('console', 'krun-vm: ready'); await delay(100)) {
    const failure = !runs(machine)
      ? 'the virtual machine has ended while it booted'
      : has('qemu', 'KVM internal error')
        ? 'KVM failed'
        : Date.now() - begun > bootLimit
          ? `the virtual machine has not booted in ${bootLimit / 1000} s`
          : undefined;
    if (failure !== undefined) throw new Error(`${failure}; the end of its console:\n${consoleTail(machine)}`);
  }
}

// Free now: another process may take it first, and qemu then says so.
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** Keeps a machine that stays where `runningMachine` finds it. */
export function remember(file: string, machine: Machine): void {
  writeFileSync(file, JSON.stringify(machine));
}

/** The machine that was remembered, if it still runs. */
export function runningMachine(file: string): Machine | undefined {
  if (!existsSync(file)) return undefined;
  const machine = JSON.parse(readFileSync(file, 'utf8')) as Machine;
  return runs(machine) ? machine : undefined;
}
