/** What a bus answers: a message with the header fields that the helper looks at, and a body of strings after an optional uint32. */
export interface AnswerParts {
  /** 2 return, 3 error, 4 signal */
  readonly type: number;
  readonly replyTo?: number;
  readonly member?: string;
  readonly error?: string;
  readonly signature: string;
  readonly strings: readonly string[];
}

// Apart from runtime/cgroup/systemd/bus-message.ts on purpose: what checks the helper's reader must not share its writer's faults.
export function makeMessage({ type, replyTo, member, error, signature, strings }: AnswerParts): Uint8Array {
  const body = [...(signature.startsWith('u') ? u32(5) : [])];
  for (const string of strings) body.push(...padding(body.length, 4), ...text(string));
  const fields: number[] = [];
  const field = (code: number, kind: string, value: number[]) =>
    fields.push(...padding(fields.length, 8), code, 1, kind.charCodeAt(0), 0, ...value);
  if (member !== undefined) field(3, 's', text(member));
  if (error !== undefined) field(4, 's', text(error));
  if (replyTo !== undefined) field(5, 'u', u32(replyTo));
  if (signature !== '') field(8, 'g', [signature.length, ...Buffer.from(signature), 0]);
  const head = ['l'.charCodeAt(0), type, 0, 1, ...u32(body.length), ...u32(9), ...u32(fields.length), ...fields];
  return Uint8Array.from([...head, ...padding(head.length, 8), ...body]);
}

function text(value: string): number[] {
  const bytes = Buffer.from(value);
  return [...u32(bytes.length), ...bytes, 0];
}

function u32(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}

function padding(length: number, to: number): number[] {
  return Array<number>(-length & (to - 1)).fill(0);
}
