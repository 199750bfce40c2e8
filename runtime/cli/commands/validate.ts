import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Config, type Problem, validateConfig } from '../../config/config.ts';
import { decodeJson, parseJson } from '../../config/json.ts';
import { KrunError } from '../../errors/krun-error.ts';
import { exit, print } from '../../plan/print.ts';
import { isSet } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';

/** Every problem of a config.json in one pass, on stdout; status 1 if one is an error. */
export const validate: CommandHandler = (caller, line) => {
  const file = configFile(resolve(caller.cwd, line.positionals[0] ?? '.'));
  const found = problemsOf(file, readBytes(file));
  const problems = isSet(line.flags, 'strict') ? found.map((problem) => ({ ...problem, severity: 'error' as const })) : found;
  const text = isSet(line.flags, 'json')
    ? `${JSON.stringify(problems, null, 2)}\n`
    : problems.map((problem) => render(file, problem)).join('');
  return [print(1, text), exit(problems.some(({ severity }) => severity === 'error') ? 1 : 0)];
};

function configFile(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'config.json') : path;
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? '';
    const why = errno === 'ENOENT' ? 'there is no such file' : `it cannot be read (${errno})`;
    throw new KrunError('E_BUNDLE', `${path}: ${why}`, { path, errno, syscall: 'open', cause, hint: 'krun spec writes a config.json' });
  }
}

function problemsOf(file: string, bytes: Uint8Array): readonly Problem[] {
  try {
    const { config, problems } = validateConfig(parseJson(decodeJson(bytes)));
    return config === undefined ? problems : [...problems, ...missingRoot(file, config)];
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    const { code, message, hint, pointer = '' } = error;
    return [{ code, message, pointer, severity: 'error', ...(hint === undefined ? {} : { hint }) }];
  }
}

function missingRoot(file: string, { root }: Config): Problem[] {
  const path = resolve(dirname(file), root.path);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  return [{ code: 'E_ROOTFS', message: `root.path must be a directory: ${path} is none`, pointer: '/root/path', severity: 'warning' }];
}

function render(file: string, { pointer, severity, message, hint, code }: Problem): string {
  const remedy = hint === undefined ? '' : `  hint: ${hint}\n`;
  return `${file}#${pointer}: ${severity}: ${message} (${code})\n${remedy}`;
}
