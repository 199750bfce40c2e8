// Reads what scripts/test prints: lines `check …` of its own and the TAP of ava. Shows failures whole, everything else short, and
// closes with `N passed, N failed, N skipped`. Leaves with 1 if anything failed or ava ended other than its results say.
// With --each every test that passes is a line too, as soon as it has, with the seconds since the start.
import { createInterface } from 'node:readline';

const each = process.argv.includes('--each');
const failed = [];
const skipped = new Map(); // missing capability → titles
let passed = 0;
let test; // the test whose lines are being read: its title, whether it failed, what it lacks
let status; // of ava itself, the worst of its runs

for await (const line of createInterface({ input: process.stdin })) {
  const check = /^check (begun|ok|failed|status) ?(.*)$/.exec(line);
  const result = /^(not ok|ok) \d+ - (.*?)( # (SKIP|TODO).*)?$/.exec(line);
  if (check !== null) {
    endTest();
    noteCheck(check[1], check[2]);
  } else if (result !== null) {
    endTest();
    test = { title: result[2], failed: result[1] === 'not ok', lacks: result[4]?.toLowerCase() };
    if (test.failed || each) console.log(each ? `${elapsed()} ${line}` : line);
  } else if (test === undefined || test.failed) {
    if (!/^(TAP version|1\.\.|---TAP)/.test(line)) console.log(line);
  } else {
    // What skip.ts logs becomes a TAP comment.
    test.lacks ??= /^\s*#\s+(?:\* )?skipped: needs (.+)$/.exec(line)?.[1];
  }
}
endTest();
if (status === undefined || (status !== 0 && failed.length === 0)) failed.push(`ava ended with ${status ?? 'nothing'}`);
close();

function noteCheck(kind, name) {
  if (kind === 'status') status = Math.max(status ?? 0, Number(name));
  if (kind === 'ok') passed++;
  if (kind === 'failed') failed.push(name);
}

function elapsed() {
  return `${Math.round(performance.now() / 1000)}s`.padStart(5);
}

function endTest() {
  if (test?.failed) failed.push(test.title);
  else if (test?.lacks) skipped.set(test.lacks, [...(skipped.get(test.lacks) ?? []), test.title]);
  else if (test !== undefined) passed++;
  test = undefined;
}

function close() {
  const skips = [...skipped.values()].flat().length;
  if (skips > 0) console.log('\nskipped for want of');
  for (const [capability, titles] of skipped)
    console.log(`  ${capability}: ${titles.length}`, titles.map((title) => `\n    ${title}`).join(''));
  if (failed.length > 0) console.log(`\nfailed\n${failed.map((title) => `  ${title}`).join('\n')}`);
  console.log(`${passed} passed, ${failed.length} failed, ${skips} skipped`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
