import { join, resolve } from 'node:path';
import { stringifyConfig } from '../../config/stringify.ts';
import { exit } from '../../plan/print.ts';
import { isSet, textOf } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';
import { configFor } from '../rootfs-config.ts';

/** Writes config.json into the bundle; one that exists is left and is an error. */
export const spec: CommandHandler = (caller, line) => {
  const directory = resolve(caller.cwd, textOf(line.flags, 'bundle') ?? '.');
  const config = configFor(caller, isSet(line.flags, 'rootless'));
  const content = new TextEncoder().encode(`${stringifyConfig(config)}\n`);
  return [{ op: 'createFile', pointer: '', path: join(directory, 'config.json'), mode: 0o644, content }, exit(0)];
};
