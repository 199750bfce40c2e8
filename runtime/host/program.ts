import { accessSync, constants, statSync } from 'node:fs';

/** A program of the host's by its name, from the absolute directories of PATH and then from `others`; null when it is nowhere. */
export function findHostProgram(name: string, env: ReadonlyMap<string, string>, others: readonly string[] = []): string | null {
  const directories = [...(env.get('PATH') ?? '').split(':'), ...others].filter((directory) => directory.startsWith('/'));
  return directories.map((directory) => `${directory}/${name}`).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
