import type { Config } from './config.ts';

// JSON.rawJSON (ECMAScript proposal, in V8 since 11.4) is not in TypeScript's libraries yet.
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** A configuration as JSON, indented by tabs as runc's; bigints keep all of their digits. */
export function stringifyConfig(config: Config): string {
  return JSON.stringify(config, (_name, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value), '\t');
}
