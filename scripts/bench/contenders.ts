import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { BenchBundle } from './bundle.ts';

export interface Contender {
  readonly name: string;
  readonly isThere: boolean;
  /** Starts the bundle's /bin/true and leaves with 0. */
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A supervisor's answer to find on descriptor 3. */
  readonly frame?: string;
  /** The same with a process that goes on; none where there is nothing to weigh. */
  readonly lasting?: readonly string[];
}

export const floorName = 'floor';
export const helperName = 'krun, plan in hand';
export const warmName = 'krun, warm';
export const coldName = 'krun, cold';
export const runcName = 'runc';

/** `socket`: of a resident supervisor; all others are to find none. */
export function contenders(bundle: BenchBundle, frame: string, socket: string): Contender[] {
  return [
    { name: floorName, isThere: true, command: ['.cache/floor', bundle.rootfs, '/sys/fs/cgroup'] },
    { name: helperName, isThere: true, command: krun(bundle.quick), frame },
    { name: warmName, isThere: true, command: krun(bundle.quick), environment: { KRUN_SUPERVISOR: socket } },
    { name: coldName, isThere: true, command: krun(bundle.quick), lasting: krun(bundle.lasting) },
    { name: 'bubblewrap', isThere: has('bwrap'), command: bwrap(bundle, '/bin/true'), lasting: bwrap(bundle, '/bin/sleep', '1000') },
    crun(bundle),
    { name: runcName, isThere: has('runc'), command: oci('runc', bundle, bundle.quick), lasting: oci('runc', bundle, bundle.lasting) },
    { name: 'an empty Node program', isThere: true, command: ['dist/node', '-e', '0'] },
  ];
}

function krun(bundle: string): string[] {
  return ['bin/krun', 'run', '--bundle', bundle, 'krun-bench'];
}

function oci(program: string, bundle: BenchBundle, path: string): string[] {
  return [program, '--root', join(bundle.directory, program), 'run', '--bundle', path, `${program}-bench`];
}

// crun 1.8 raises its limit of locked memory before it loads a device program, and ends where it may not (no CAP_SYS_RESOURCE).
function crun(bundle: BenchBundle): Contender {
  const whole = {
    name: 'crun',
    isThere: has('crun'),
    command: oci('crun', bundle, bundle.quick),
    lasting: oci('crun', bundle, bundle.lasting),
  };
  if (!whole.isThere || succeeds(whole.command)) return whole;
  const { quick, lasting } = bundle.withoutDevices;
  return { ...whole, name: 'crun, no device rules', command: oci('crun', bundle, quick), lasting: oci('crun', bundle, lasting) };
}

/** Whether crun can run the bundle with its device rules here. */
export function isCrunWithDevices(bundle: BenchBundle): boolean {
  return succeeds(oci('crun', bundle, bundle.quick));
}

// As much of the bundle as bubblewrap has words for.
function bwrap({ rootfs }: BenchBundle, ...command: string[]): string[] {
  const namespaces = ['ipc', 'pid', 'net', 'uts', 'cgroup'].map((name) => `--unshare-${name}`);
  const mounts = ['--ro-bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev', '--mqueue', '/dev/mqueue', '--ro-bind', '/sys', '/sys'];
  return [
    'bwrap',
    ...namespaces,
    '--hostname',
    'bench',
    ...mounts,
    '--chdir',
    '/',
    '--new-session',
    '--as-pid-1',
    '--cap-drop',
    'ALL',
    ...command,
  ];
}

function has(program: string): boolean {
  const isThere = succeeds([program, '--version']);
  if (!isThere) console.log(`${program} is missing and left out`);
  return isThere;
}

function succeeds([file = '', ...words]: readonly string[]): boolean {
  return spawnSync(file, words, { stdio: 'ignore' }).status === 0;
}
