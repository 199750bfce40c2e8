/** process.env with each name once: of several, the last one counts. */
export function deduplicate(env: readonly string[]): readonly string[] {
  const last = new Map(env.map((entry, index) => [nameOf(entry), index]));
  return env.filter((entry, index) => last.get(nameOf(entry)) === index);
}

/** The value of a variable, or undefined. */
export function variable(env: readonly string[], name: string): string | undefined {
  return env.findLast((entry) => nameOf(entry) === name)?.slice(name.length + 1);
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='));
}
