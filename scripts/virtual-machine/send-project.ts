import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { project } from './image.ts';
import { type Machine, sshArguments } from './machine.ts';

// Node and the npm dependencies are on a disk of their own. `.cache/node` saves the stripping of types. The ordinary users may read it all.
const parts = ['bin', 'dist', 'runtime', 'scripts', 'share', 'spec', 'package.json', 'ava.config.js', 'vm.config.js', 'tsconfig.json'];
const cached = ['.cache/probe', '.cache/without', '.cache/node'];

/** Replaces the project in a machine by what is built here. */
export async function sendProject(machine: Machine): Promise<void> {
  if (!existsSync(join(project, 'bin/krun'))) throw new Error('bin/krun is not built; scripts/build --test --probe does it');
  const present = [...parts, ...cached].filter((part) => existsSync(join(project, part)));
  const tar = ['tar', '--create', '--mode=go+rX', '--exclude=dist/node', '--exclude=*.o', '--directory', project, ...present];
  const unpack = [
    'cd /krun',
    `rm -rf ${parts.join(' ')} .cache`,
    'tar --extract --no-same-owner',
    'ln -s ../node_modules/.bin/node dist/node',
  ];
  const sender = execa(tar[0] as string, tar.slice(1), { stdin: 'ignore', buffer: false, stderr: 'inherit' });
  await sender.pipe('ssh', [...sshArguments(machine, 'root'), unpack.join(' && ')], { stdout: 'inherit', stderr: 'inherit' });
}
