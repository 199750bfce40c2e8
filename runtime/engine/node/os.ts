import { host } from './host.ts';

export function machine(): string {
  return host.machine();
}
