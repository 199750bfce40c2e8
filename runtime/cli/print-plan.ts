// A plan for people: a line an op with its number (as in error reports), its fields, and the place in config.json that it came from.
import { type FieldKind, type Op, opTable, type Plan } from '../plan/ops.ts';
import { nameValue } from './constant-names.ts';
import { isText } from './plan-json.ts';

/** Fields that are empty, 0, false or null are left out; @name is a descriptor slot; nested programs are indented. */
export function printPlan(plan: Plan): string {
  const lines: string[] = [];
  printProgram(plan, '', lines);
  return lines.map((line) => `${line}\n`).join('');
}

// Ops are numbered in the order in which they are written down, a nested program's after its own op: as the helper counts.
function printProgram(program: Plan, indent: string, lines: string[]): void {
  for (const op of program) {
    const fields = Object.entries(opTable[op.op].fields) as [string, FieldKind][];
    const number = String(lines.length).padStart(4);
    const words = fields.flatMap(([name, kind]) => printField(op, name, kind));
    lines.push(`${number}  ${indent}${[op.op, ...words].join(' ')}${op.pointer === '' ? '' : `  ← ${op.pointer}`}`);
    for (const [name, kind] of fields) if (kind === 'ops') printProgram(fieldOf(op, name) as Plan, `${indent}  `, lines);
  }
}

function printField(op: Op, name: string, kind: FieldKind): string[] {
  const value = fieldOf(op, name);
  if (kind === 'ops' || value === null || value === '') return [];
  if (value === false) return zeroMatters.has(name) ? [`${name}=false`] : [];
  if (typeof value === 'number' || typeof value === 'bigint') return printNumber(op, name, value);
  if (Array.isArray(value)) return value.length === 0 ? [] : [`${name}=[${value.map((item) => printWord(String(item))).join(' ')}]`];
  if (value instanceof Uint8Array) return [`${name}=${printBytes(value)}`];
  if (value === true) return [name];
  return [`${name}=${kind === 'slot' ? `@${value}` : printWord(String(value))}`];
}

// 0 is said where it means something: ids, statuses, and all that has no "none".
const zeroMatters = new Set([
  'uid',
  'gid',
  'status',
  'soft',
  'hard',
  'major',
  'minor',
  'stage',
  'value',
  'mask',
  'signal',
  'keep',
  'dumpable',
]);

function printNumber(op: Op, name: string, value: number | bigint): string[] {
  if (Number(value) === 0 && !zeroMatters.has(name)) return [];
  return [`${name}=${nameValue(op.op, name, value) ?? value}`];
}

function printWord(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) && !/["'[\]]/.test(text) ? text : JSON.stringify(text);
}

const longestText = 120;

function printBytes(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.length <= longestText && isText(text) ? JSON.stringify(text) : `<${bytes.length} bytes>`;
}

function fieldOf(op: Op, name: string): unknown {
  return (op as unknown as Readonly<Record<string, unknown>>)[name];
}
