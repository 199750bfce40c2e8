import { readFileSync } from 'node:fs';
import test from 'ava';

const text = readFileSync(new URL('../PROMISES.md', import.meta.url), 'utf8');

test('each promise names a test that is there', (t) => {
  const promises = text.split('\n').filter((line) => /^\d+\. /.test(line));
  t.true(promises.length > 20);
  for (const promise of promises) {
    const [, file, title] = /\]\((spec\/[^)]+)\).*: "(.+)"$/.exec(promise) ?? [];
    if (file === undefined || title === undefined) {
      t.fail(`no test is named by: ${promise}`);
      continue;
    }
    const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
    t.true(source.includes(title) || source.includes(title.replaceAll("'", "\\'")), `${file} has no "${title}"`);
  }
});

test('promises are numbered in order', (t) => {
  const numbers = [...text.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
  t.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});
