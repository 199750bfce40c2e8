import type { Config } from './config.ts';

// JSON.rawJSON (ECMAScript proposal, in V8 since 11.4) is not in TypeScript's libraries yet.
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** A configuration as JSON, indented by tabs as runc's; bigints keep all of their digits. */
export function stringifyConfig(config: Config): string {
  return JSON.stringify(config, precise, '\t');
}

/** Any value as JSON in one line; bigints keep all of their digits. */
export function stringifyPrecisely(value: unknown): string {
  return JSON.stringify(value, precise);
}

function precise(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(String(value)) : value;
}
