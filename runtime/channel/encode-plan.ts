import { KrunError } from '../errors/krun-error.ts';
import { type FieldKind, type Op, type OpName, opTable, type Plan } from '../plan/ops.ts';
import { encodeFrame } from './frame.ts';
import { Writer } from './writer.ts';

const noSlot = 0xffffffff;
const opNumbers = new Map<string, number>(Object.keys(opTable).map((name, number) => [name, number]));

/** A plan as a frame: u32 count of slots, u32 count of ops (nested ones too), then the top program. */
export function encodePlan(plan: Plan): Uint8Array {
  const writer = new Writer();
  const slots = new Map<string, number>();
  const body = new Writer();
  writeProgram(body, plan, slots);
  writer.u32(slots.size);
  writer.u32(countOps(plan));
  const head = writer.result();
  const program = body.result();
  const whole = new Uint8Array(head.length + program.length);
  whole.set(head);
  whole.set(program, head.length);
  return encodeFrame('plan', whole);
}

function writeProgram(writer: Writer, program: Plan, slots: Map<string, number>): void {
  writer.u32(program.length);
  for (const op of program) writeOp(writer, op, slots);
}

function writeOp(writer: Writer, op: Op, slots: Map<string, number>): void {
  writer.u32(opNumbers.get(op.op) as number);
  writer.string(op.pointer);
  const values = op as unknown as Record<string, unknown>;
  for (const { name, write } of fieldsOf(op.op)) {
    if (values[name] === undefined)
      throw new KrunError('E_INTERNAL', `op ${op.op} lacks its field ${name}`, { op: op.op, pointer: op.pointer });
    write(writer, values[name], slots);
  }
}

type WriteField = (writer: Writer, value: unknown, slots: Map<string, number>) => void;

const fields = new Map<OpName, readonly { readonly name: string; readonly write: WriteField }[]>();

function fieldsOf(op: OpName) {
  let known = fields.get(op);
  if (known === undefined) {
    known = Object.entries(opTable[op].fields).map(([name, kind]) => ({ name, write: writers[kind as FieldKind] }));
    fields.set(op, known);
  }
  return known;
}

const writers: Record<FieldKind, WriteField> = {
  u32: (writer, value) => writer.u32(value as number),
  i32: (writer, value) => writer.i32(value as number),
  u64: (writer, value) => writer.u64(value as bigint),
  bool: (writer, value) => writer.u32(value ? 1 : 0),
  string: (writer, value) => writeString(writer, value as string),
  bytes: (writer, value) => writer.bytes(value as Uint8Array),
  strings: (writer, value) => {
    const list = value as readonly string[];
    writer.u32(list.length);
    for (const item of list) writeString(writer, item);
  },
  u32s: (writer, value) => {
    const list = value as readonly number[];
    writer.u32(list.length);
    for (const item of list) writer.u32(item);
  },
  slot: (writer, value, slots) => writer.u32(slotNumber(value as string | null, slots)),
  ops: (writer, value, slots) => writeProgram(writer, value as Plan, slots),
};

function writeString(writer: Writer, value: string): void {
  if (value.includes('\0')) throw new KrunError('E_CONFIG', `${JSON.stringify(value)} must not contain a NUL character`);
  writer.string(value);
}

function slotNumber(name: string | null, slots: Map<string, number>): number {
  if (name === null) return noSlot;
  let number = slots.get(name);
  if (number === undefined) {
    number = slots.size;
    slots.set(name, number);
  }
  return number;
}

function countOps(program: Plan): number {
  let count = program.length;
  for (const op of program) if ('program' in op && Array.isArray(op.program)) count += countOps(op.program as Plan);
  return count;
}
