import test from 'ava';
import { type CommandName, commandTable } from '../../runtime/cli/commands.ts';
import { type Flag, flagsOf } from '../../runtime/cli/flags.ts';
import { parse } from '../../runtime/cli/parse.ts';
import { define, helpText } from '../../runtime/cli/yargs.ts';

const scopes = [null, ...Object.keys(commandTable)] as (CommandName | null)[];

function sample({ type, choices }: Flag): string {
  return choices?.at(-1) ?? (type === 'number' ? '7' : 'some-value');
}

function formsOf(flag: Flag): string[][] {
  const names = [`--${flag.name}`, ...(flag.alias ?? []).map((letter) => `-${letter}`)];
  if (flag.type === 'boolean') return names.flatMap((name) => [[name], [`${name}=false`]]);
  const value = sample(flag);
  return names.flatMap((name) => [[name, value], [`${name}=${value}`], ...(flag.type === 'list' ? [[name, value, name, 'other']] : [])]);
}

for (const scope of scopes) {
  for (const flag of flagsOf(scope)) {
    test(`yargs and the table-driven parser agree on ${scope ?? 'the global'} --${flag.name}`, async (t) => {
      for (const form of formsOf(flag)) {
        const { flags, globals } = parse([...(scope === null ? [] : [scope]), ...form]);
        const ours = (scope === null ? globals : flags).get(flag.name);
        const parsed: Record<string, unknown> = await define(scope).parseAsync(form);
        t.deepEqual(parsed[flag.name], ours, form.join(' '));
      }
    });

    test(`help of ${scope ?? 'krun'} ${flag.hidden ? 'hides' : 'shows'} --${flag.name}`, async (t) => {
      t.is(new RegExp(`--${flag.name}\\s`).test(await helpText(scope)), !flag.hidden);
    });
  }

  test(`yargs and the table-driven parser have the same defaults for ${scope ?? 'krun'}`, async (t) => {
    const parsed: Record<string, unknown> = await define(scope).parseAsync([]);
    const { flags, globals } = parse(scope === null ? [] : [scope]);
    const names = flagsOf(scope).map(({ name }) => name);
    const ours = scope === null ? globals : flags;
    t.deepEqual(
      names.map((name) => [name, parsed[name]]),
      names.map((name) => [name, ours.get(name)]),
    );
  });
}

test('help lists every command', async (t) => {
  const text = await helpText(null);
  for (const [name, { help }] of Object.entries(commandTable)) t.true(text.includes(`krun ${name}`) && text.includes(help), name);
});
