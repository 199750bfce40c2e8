import { KrunError } from '../errors/krun-error.ts';

/** A usable container id, or E_BAD_ID. It is one component of a path, and with `krun-` before it that of its cgroup: hence the limits. */
export function requireContainerId(id: string): string {
  if (/^[A-Za-z0-9_+.-]{1,250}$/.test(id) && id !== '.' && id !== '..') return id;
  throw new KrunError(
    'E_BAD_ID',
    `invalid container ID format: "${id}": it must be 1 to 250 of the characters A-Z a-z 0-9 _ + . -, and neither . nor ..`,
  );
}

/** An id for a container that nobody has named; a clash is found by the state directory (E_ID_EXISTS). */
export function makeContainerId(): string {
  const digits = Array.from({ length: 12 }, () => Math.floor(Math.random() * 16).toString(16));
  return digits.join('');
}
