import type { Plan } from '../plan/ops.ts';

/** A plan as JSON: uint64 values as numbers in full length; bytes as their text or, if they are no text, "base64:…". */
export function planJson(plan: Plan): string {
  return JSON.stringify(plan, replace, 2);
}

// JSON.rawJSON (ES2026, Node ≥ 22) is not in TypeScript's lib yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

function replace(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJSON(String(value));
  return value instanceof Uint8Array ? textOfBytes(value) : value;
}

function textOfBytes(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return isText(text) ? text : `base64:${Buffer.from(bytes).toString('base64')}`;
}

/** Whether a decoded string is meant for people: no replacement character and no control characters but tab and newline. */
export function isText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return !/[\u0000-\u0008\u000b-\u001f\u007f\ufffd]/.test(text);
}
