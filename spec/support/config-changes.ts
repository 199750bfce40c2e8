import test from 'ava';
import { type Problem, validateConfig } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';

/** What to put where in `krun spec`'s configuration, by JSON pointer; undefined removes. Missing objects on the way are made. */
export type Changes = Readonly<Record<string, unknown>>;

/** The parsed JSON of `krun spec`'s configuration, changed. */
export function changedConfig(changes: Changes): unknown {
  const config: unknown = JSON.parse(stringifyConfig(defaultConfig()));
  for (const [pointer, value] of Object.entries(changes)) change(config as Container, pointer, structuredClone(value));
  return config;
}

/** The errors of the changed configuration, each as "CODE /pointer". */
export function errorsOf(changes: Changes): string[] {
  return problemsOf(changes, 'error');
}

/** The warnings of the changed configuration, each as "CODE /pointer". */
export function warningsOf(changes: Changes): string[] {
  return problemsOf(changes, 'warning');
}

function problemsOf(changes: Changes, wanted: Problem['severity']): string[] {
  const { problems } = validateConfig(changedConfig(changes));
  return problems.filter(({ severity }) => severity === wanted).map(({ code, pointer }) => `${code} ${pointer}`);
}

type Container = Record<string, unknown>;

function change(config: Container, pointer: string, value: unknown): void {
  const names = pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop() ?? '';
  let place = config;
  for (const name of names) {
    place[name] ??= {};
    place = place[name] as Container;
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
}

/** An ava macro: the changed configuration has errors with exactly these messages. */
export const hasAll = test.macro((t, changes: Changes, messages: readonly string[]) => {
  const { problems } = validateConfig(changedConfig(changes));
  t.deepEqual(
    problems.map(({ message }) => message),
    [...messages],
  );
});
