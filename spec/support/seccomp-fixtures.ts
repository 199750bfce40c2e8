import { readFileSync } from 'node:fs';
import type { Seccomp } from '../../runtime/config/config.ts';

/** A profile of spec/fixtures: docker's and podman's defaults with their capabilities resolved, as they reach a runtime. */
export function readProfile(name: 'docker' | 'podman'): Seccomp {
  const text = readFileSync(new URL(`../fixtures/seccomp-${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text, (key, value) => (key === 'value' || key === 'valueTwo' ? BigInt(value) : value));
}
