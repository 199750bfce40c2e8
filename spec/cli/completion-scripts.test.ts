// The completion scripts in the shells themselves, with krun as the shells find it: on the PATH.
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary, removeContainer } from '../support/krun.ts';
import { sitDown } from '../support/person.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';

const shells = {
  // What readline does: it calls the function that `complete` has registered.
  bash: (line: string, names: readonly string[]) => `
    cd ${names[0]}
    source <(krun completion bash)
    compopt() { echo "compopt $*"; }
    COMP_WORDS=(${line}) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    [ "$(complete -p krun)" = 'complete -F _krun krun' ] && _krun krun
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (line: string, names: readonly string[]) =>
    `cd ${names[0]}; krun completion fish | source; complete -C ${JSON.stringify(line.replaceAll("''", ''))}`,
};

for (const shell of ['bash', 'fish'] as const) {
  test(`${shell} completes commands, flags, values, ids and paths`, async (t) => {
    if (skipUnless(t, shell, await isThere(shell)) || skipUnless(t, 'root', isRoot)) return;
    const { root, id, directory } = await prepare(t);
    const words = async (line: string) => {
      const { stdout } = await execa(shell, ['-c', shells[shell](line, [directory])], {
        env: { PATH: `${directory}/bin:${process.env.PATH}` },
      });
      return stdout
        .split('\n')
        .map((each) => each.split('\t')[0]?.trim() ?? '')
        .filter(Boolean);
    };
    t.deepEqual(await words('krun lis'), ['list']);
    t.true((await words("krun ''")).includes('create'));
    t.deepEqual(await words('krun run --overlay-l'), ['--overlay-lower']);
    t.deepEqual(await words('krun --log-format j'), ['json']);
    t.deepEqual(
      (await words(`krun --root ${root} state ''`)).map((each) => each),
      [id],
    );
    t.deepEqual(await words(`krun --root ${root} kill ${id} VTA`), ['VTALRM']);
    const files = await words('krun validate conf');
    t.deepEqual(files, shell === 'bash' ? ['compopt -o default'] : ['config.json']);
  });
}

test('bash at a terminal: Tab completes an id, a file, and a value behind an equals sign', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { root, id, directory } = await prepare(t);
  const person = sitDown(t, 'bash', ['--norc', '--noprofile'], { columns: 200, rows: 24 });
  person.type(`PS1='$ '; export PATH=${directory}/bin:$PATH; cd ${directory}; source <(krun completion bash); clear\r`);
  await person.see(/clear[^$]*\$ /);
  person.type(`krun --root ${root} state ${id.slice(0, 8)}\t`);
  await person.see(`${id} `);
  person.type('\x15krun validate conf\t');
  await person.see('config.json ');
  person.type('\x15krun list --format=j\t');
  await person.see('--format=json ');
  person.type('\x15exit\r');
  await person.end;
});

test('zsh at a terminal: Tab completes a command, an id and a flag', async (t) => {
  if (skipUnless(t, 'zsh', await isThere('zsh')) || skipUnless(t, 'root', isRoot)) return;
  const { root, id, directory } = await prepare(t);
  const person = sitDown(t, 'zsh', ['-f'], { columns: 200, rows: 24 });
  person.type(
    `PS1='$ '; export PATH=${directory}/bin:$PATH; cd ${directory}; autoload -U compinit; compinit -D; source <(krun completion zsh); echo rea''dy\r`,
  );
  await person.see('ready');
  person.type(`krun --root ${root} state ${id.slice(0, 8)}\t`);
  await person.see(id.slice(8)); // zsh paints what is new
  person.type('\x15krun featu\t');
  await person.see('res');
  person.type('\x15krun run --overlay-l\t');
  await person.see('ower');
  person.type('\x15krun validate conf\t');
  await person.see('ig.json');
  person.type('\x15exit\r');
  await person.end;
});

async function isThere(shell: string): Promise<boolean> {
  return (await execa('sh', ['-c', `command -v ${shell}`], { reject: false })).exitCode === 0;
}

async function prepare(t: ExecutionContext): Promise<{ root: string; id: string; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-test-complete-'));
  t.teardown(() => rm(directory, { recursive: true }));
  await execa('mkdir', [join(directory, 'bin')]);
  await writeFile(join(directory, 'bin/krun'), `#!/bin/sh\nexec ${krunBinary} "$@"\n`, { mode: 0o755 });
  await symlink('/dev/null', join(directory, 'config.json'));
  const root = join(directory, 'state');
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  t.teardown(() => removeContainer(bundle.id, ['--root', root]));
  t.is((await runApart(['--root', root, 'create', '--bundle', bundle.path, bundle.id])).status, 0);
  return { root, id: bundle.id, directory };
}
