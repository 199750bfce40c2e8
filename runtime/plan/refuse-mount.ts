import { KrunError } from '../errors/krun-error.ts';

/** The error for a mount that is refused before anything is mounted. */
export function refuseMount(pointer: string, message: string, hint?: string): never {
  throw new KrunError('E_BAD_MOUNT', message, hint === undefined ? { pointer } : { pointer, hint });
}
