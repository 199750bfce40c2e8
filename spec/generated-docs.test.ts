import { readFileSync } from 'node:fs';
import test from 'ava';
import { generateDocs } from '../scripts/generate-docs.ts';

for (const [name, content] of generateDocs()) {
  test(`docs/${name} says what the tables say (node scripts/generate-docs.ts)`, (t) => {
    t.is(readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8'), content);
  });
}
