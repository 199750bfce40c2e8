import { spawnSync } from 'node:child_process';
import type { BusValue } from '../../runtime/cgroup/systemd/bus-message.ts';

const python = '/usr/bin/python3';
const script = new URL('dbus-decode.py', import.meta.url).pathname;

export interface DecodedCall {
  readonly serial: number;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly destination: string;
  readonly signature: string;
  readonly body: readonly unknown[];
}

/** Whether Debian's python3-gi is there, with GLib. */
export function hasGlib(): boolean {
  return spawnSync(python, ['-c', 'from gi.repository import Gio']).status === 0;
}

/** What GLib understands of several runs of messages. Numbers come as text, in full length. */
export function decodeCalls(runs: readonly Uint8Array[]): DecodedCall[][] {
  const input = JSON.stringify(runs.map((bytes) => Buffer.from(bytes).toString('base64')));
  const { stdout, stderr, status } = spawnSync(python, [script], { input, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as DecodedCall[][];
}

/** A value as decodeCalls shows it. */
export function shown(value: BusValue): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return [...value].map(String);
  if (Array.isArray(value)) return value.map((item: BusValue) => shown(item));
  if (typeof value === 'object' && value !== null && 'type' in value) return { type: value.type, value: shown(value.value) };
  return typeof value === 'symbol' ? '0' : value;
}
