// How qemu runs the guest: by KVM where that works, else by translating every instruction, which is about 20 times slower.
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './image.ts';

export interface Accelerator {
  readonly name: 'kvm' | 'tcg';
  readonly qemuArguments: readonly string[];
}

const kvm: Accelerator = { name: 'kvm', qemuArguments: ['-accel', 'kvm', '-cpu', 'host'] };
// With cx16 the guest's kernel panics: qemu 7.2 cannot do it by several threads.
const tcg: Accelerator = { name: 'tcg', qemuArguments: ['-accel', 'tcg,thread=multi', '-cpu', 'max,-cx16'] };

/** What to try, in turn. A KVM that has failed since this host booted is not tried again. */
export async function accelerators(): Promise<readonly Accelerator[]> {
  return mayUseKvm() && !hasFailed() ? [kvm, tcg] : [tcg];
}

/** Remembers that KVM does not work here, until the host boots anew. */
export function noteFailure(): void {
  writeFileSync(note(), hostBoot());
}

function mayUseKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hasFailed(): boolean {
  return existsSync(note()) && readFileSync(note(), 'utf8') === hostBoot();
}

function note(): string {
  return join(cache(), 'kvm-has-failed');
}

function hostBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
}
