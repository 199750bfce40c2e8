import { exit, print } from '../../plan/print.ts';
import { commit, version as krunVersion, specVersion } from '../../version.ts';
import type { CommandHandler } from '../handle.ts';

// Who reads this: dockerd takes name and version from the one line with the word "version", and the commit from "commit: ";
// podman shows all of it; go-runc understands only "runc version …" and otherwise leaves its fields blank, which nothing needs.
// krun says its own name: passing for runc would send its users' bug reports to the wrong place.
export const version: CommandHandler = () => {
  const lines = [`krun version ${krunVersion}`, `commit: ${commit}`, `spec: ${specVersion}`, `node: ${process.versions.node}`];
  return [print(1, `${lines.join('\n')}\n`), exit(0)];
};
