// Writes the C side of the op table: runtime/helper/generated/ops.h (structs, prototypes) and ops.c (field tables, dispatch).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { opTableDigest, protocolVersion } from '../runtime/channel/frame.ts';
import { type FieldKind, opTable } from '../runtime/plan/ops.ts';
import { nodeOptions } from '../runtime/supervisor/node-options.ts';

const directory = new URL('../runtime/helper/generated/', import.meta.url);
const cTypes: Record<FieldKind, string> = {
  u32: 'uint32_t ',
  i32: 'int32_t ',
  u64: 'uint64_t ',
  bool: 'uint32_t ',
  string: 'const char *',
  bytes: 'struct bytes ',
  strings: 'struct strings ',
  u32s: 'struct u32s ',
  slot: 'uint32_t ',
  ops: 'struct program ',
};
const toSnake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const ops = Object.entries(opTable).map(([name, { help, fields }]) => ({
  name,
  help,
  snake: toSnake(name),
  code: `OP_${toSnake(name).toUpperCase()}`,
  fields: Object.entries(fields) as [string, FieldKind][],
}));

mkdirSync(directory, { recursive: true });
writeIfChanged('ops.h', [
  '/* Generated from runtime/plan/ops.ts by scripts/generate-ops-header.ts. */',
  '#pragma once',
  '#include "../values.h"',
  `#define PROTOCOL_VERSION ${protocolVersion}`,
  `#define OP_TABLE_DIGEST ${opTableDigest()}u`,
  `#define NODE_OPTIONS ${nodeOptions.map((option) => JSON.stringify(option)).join(', ')}`,
  'struct context;',
  'enum op_code {',
  ...ops.map(({ code }) => `  ${code},`),
  '  OP_COUNT,',
  '};',
  ...ops.flatMap(({ snake, help, fields }) => [
    `/* ${help} */`,
    `struct op_${snake} {`,
    ...fields.map(([name, kind]) => `  ${cTypes[kind]}${toSnake(name)};`),
    ...(fields.length === 0 ? ['  char nothing;'] : []),
    '};',
  ]),
  'struct op {',
  '  uint32_t code;',
  '  uint32_t index;',
  '  const char *pointer;',
  '  union {',
  ...ops.map(({ snake }) => `    struct op_${snake} ${snake}_op;`),
  '  };',
  '};',
  ...ops.map(({ snake }) => `int op_${snake}(struct context *context, const struct op_${snake} *op);`),
  'int run_op(struct context *context, const struct op *op);',
  'extern const struct op_kind op_kinds[OP_COUNT];',
]);
writeIfChanged('ops.c', [
  '/* Generated from runtime/plan/ops.ts by scripts/generate-ops-header.ts. */',
  '#include <stddef.h>',
  '#include "ops.h"',
  ...ops
    .filter(({ fields }) => fields.length > 0)
    .map(
      ({ snake, fields }) =>
        `static const struct field fields_${snake}[] = {${fields.map(([name, kind]) => `{FIELD_${kind.toUpperCase()}, offsetof(struct op, ${snake}_op.${toSnake(name)})}`).join(', ')}};`,
    ),
  'const struct op_kind op_kinds[OP_COUNT] = {',
  ...ops.map(
    ({ name, code, snake, fields }) => `  [${code}] = {"${name}", ${fields.length > 0 ? `fields_${snake}` : '0'}, ${fields.length}},`,
  ),
  '};',
  'int run_op(struct context *context, const struct op *op) {',
  '  switch ((enum op_code)op->code) {',
  ...ops.map(({ code, snake }) => `    case ${code}: return op_${snake}(context, &op->${snake}_op);`),
  '    case OP_COUNT: break;',
  '  }',
  '  return -1;',
  '}',
]);

// An unchanged file keeps its time, so that nothing is compiled again for it.
function writeIfChanged(name: string, lines: readonly string[]): void {
  const url = new URL(name, directory);
  const text = `${lines.join('\n')}\n`;
  try {
    if (readFileSync(url, 'utf8') === text) return;
  } catch {
    // Not there yet.
  }
  writeFileSync(url, text);
}
