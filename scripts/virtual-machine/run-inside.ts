import { execa } from 'execa';
import { consoleTail, type Machine, runs, sshArguments } from './machine.ts';

export interface Inside {
  readonly user: string;
  readonly command: readonly string[];
  readonly terminal: boolean;
  /** In milliseconds. */
  readonly limit: number;
}

/** Runs a program in the project's directory of a machine, its streams ours; returns its status. Throws when the machine dies or hangs. */
export async function runInside(machine: Machine, inside: Inside): Promise<number> {
  const line = `cd /krun && export PATH=/krun/bin:/krun/node_modules/.bin:$PATH:/usr/sbin:/sbin && exec ${inside.command.map(quote).join(' ')}`;
  const ssh = [inside.terminal ? '-tt' : '-T', ...sshArguments(machine, inside.user), line];
  const result = await execa('ssh', ssh, { stdio: 'inherit', timeout: inside.limit, reject: false });
  if (result.timedOut) {
    throw new Error(
      `${inside.command.join(' ')} has not ended in ${inside.limit / 1000} s; the end of the console:\n${consoleTail(machine)}`,
    );
  }
  // ssh's own failure has the same status as a program's 255.
  if (result.exitCode === 255 && !runs(machine)) {
    throw new Error(`the virtual machine has died; the end of its console:\n${consoleTail(machine)}`);
  }
  return result.exitCode ?? 1;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
