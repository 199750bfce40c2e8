import test from 'ava';
import { execa } from 'execa';
import { type CommandName, commandTable, describeCommand } from '../runtime/cli/commands.ts';
import { type Flag, flagTable } from '../runtime/cli/flags.ts';
import { manPage } from '../scripts/man-page.ts';
import { skipUnless } from './support/skip.ts';

const hasGroff = (await execa('groff', ['--version'], { reject: false })).exitCode === 0;

test('the man page renders without a warning, and names every command and flag', async (t) => {
  if (skipUnless(t, 'groff', hasGroff)) return;
  const { stdout, stderr } = await execa('groff', ['-man', '-Tascii', '-P-cbou', '-ww', '-rLL=200n'], { input: manPage('0.0.0') });
  t.is(stderr, '');
  const page = stdout.replaceAll(/\s+/g, ' ');
  for (const name of Object.keys(commandTable) as CommandName[]) t.is(page.includes(`krun ${name}`), !describeCommand(name).hidden, name);
  for (const { name, hidden } of flagTable as readonly Flag[]) if (!hidden) t.regex(page, new RegExp(`--${name}[ ,]`));
  for (const heading of ['NAME', 'SYNOPSIS', 'EXIT STATUS', 'FILES', 'ENVIRONMENT', 'EXAMPLES']) t.true(page.includes(heading), heading);
});

test('words of the tables are never taken for requests of roff', (t) => {
  for (const line of manPage('0.0.0')
    .split('\n')
    .filter((each) => /^[.']/.test(each)))
    t.regex(line, /^\.(\\"|TH|SH|SS|TP|PP|B|BR|br)( |$)/);
});
