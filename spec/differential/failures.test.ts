import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Bundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withLinux, withMounts, withNamespaces, withProcess } from '../support/change-config.ts';
import { skipUnless } from '../support/skip.ts';
import { others, runBy } from './runtimes.ts';

interface Failure {
  readonly change: ConfigChange;
  readonly prepare?: (bundle: Bundle) => Promise<unknown>;
  /** Where a runtime does something else, and why that is right for krun. */
  readonly known?: Partial<Record<(typeof others)[number], readonly [status: number, why: string]>>;
}

const program = (...args: string[]) => withProcess({ args });
const file =
  (name: string, content: string, mode: number) =>
  async ({ rootfs }: Bundle) => {
    await writeFile(join(rootfs, name), content);
    await chmod(join(rootfs, name), mode);
  };

const failures: Readonly<Record<string, Failure>> = {
  'a missing program': { change: program('/missing') },
  'a program not in PATH': { change: program('missing') },
  'a file without execute bit': { change: program('/plain'), prepare: file('plain', '#!/bin/sh\n', 0o644) },
  'a directory as program': { change: program('/etc') },
  'a script without its interpreter': { change: program('/script'), prepare: file('script', '#!/missing\n', 0o755) },
  'a text as program': { change: program('/text'), prepare: file('text', 'echo\n', 0o755) },
  'a working directory that is a file': { change: withProcess({ cwd: '/etc/hosts' }) },
  'a missing bind source': { change: withMounts({ destination: '/mnt', type: 'bind', source: '/missing', options: ['bind'] }) },
  'a directory bound on a file': { change: withMounts({ destination: '/etc/hosts', type: 'bind', source: '/etc', options: ['bind'] }) },
  'a file system that does not exist': { change: withMounts({ destination: '/mnt', type: 'nosuchfs', source: 'none' }) },
  'an option that does not exist': { change: withMounts({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['nosuch=1'] }) },
  'a missing root file system': { change: (config) => ({ ...config, root: { path: 'missing' } }) },
  'a sysctl of the host': { change: withLinux({ sysctl: { 'kernel.core_pattern': 'x' } }) },
  'a sysctl with a wrong value': { change: withLinux({ sysctl: { 'kernel.msgmax': 'x' } }) },
  'a namespace that does not exist': { change: withNamespaces({ type: 'ipc', path: '/missing' }) },
  'a namespace of another type': { change: withNamespaces({ type: 'ipc', path: '/proc/self/ns/net' }) },
  'status 0': { change: program('/bin/true') },
  'status 7': { change: program('/bin/sh', '-c', 'exit 7') },
  'status 255': { change: program('/bin/sh', '-c', 'exit 255') },
  'a process that is killed': { change: all(program('/bin/sh', '-c', '(kill -9 $$) & wait; (sh -c "kill -9 \\$\\$"); exit $?')) },
};

for (const [name, { change, prepare, known = {} }] of Object.entries(failures)) {
  test(`krun ends with the status of runc and crun: ${name}`, async (t) => {
    if (skipUnless(t, 'root, runc and crun', isRoot && others.length === 2)) return;
    const ours = await runBy(t, 'krun', change, prepare);
    for (const runtime of others) {
      const theirs = await runBy(t, runtime, change, prepare);
      t.is(theirs.status, known[runtime]?.[0] ?? ours.status, `${runtime}: ${theirs.stderr}\nkrun: ${ours.stderr}`);
    }
  });
}
