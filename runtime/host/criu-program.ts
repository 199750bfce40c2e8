import { accessSync, constants, statSync } from 'node:fs';

/** criu, from the caller's PATH or from where root's programs are; null when it is nowhere. */
export function findCriuProgram(env: ReadonlyMap<string, string>): string | null {
  const directories = [...(env.get('PATH') ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const candidates = directories.filter((directory) => directory.startsWith('/')).map((directory) => `${directory}/criu`);
  return candidates.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
