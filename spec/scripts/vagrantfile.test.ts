import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { skipUnless } from '../support/skip.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const hasVagrant = (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, 'vagrant')));

test('vagrant validate accepts the Vagrantfile, whatever the provider', async (t) => {
  if (skipUnless(t, 'vagrant', hasVagrant)) return;
  t.regex(await validate(t, 'virtualbox', ['--ignore-provider']), /validated successfully/);
});

test('vagrant validate accepts what the Vagrantfile says to libvirt', async (t) => {
  if (skipUnless(t, 'vagrant', hasVagrant)) return;
  const { stdout } = await execa('vagrant', ['plugin', 'list'], { env: homeOf(t), stdin: 'ignore' });
  if (skipUnless(t, 'vagrant-libvirt', stdout.includes('vagrant-libvirt'))) return;
  t.regex(await validate(t, 'libvirt', []), /^Vagrantfile validated successfully/);
});

async function validate(t: ExecutionContext, provider: string, options: readonly string[]): Promise<string> {
  const env = { ...homeOf(t), VAGRANT_DEFAULT_PROVIDER: provider };
  const { all } = await execa('vagrant', ['validate', ...options], { cwd: project, env, stdin: 'ignore', all: true });
  return all;
}

// Nothing of what vagrant keeps is to be left in the tree or in the user's home.
function homeOf(t: ExecutionContext): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), 'krun-test-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  return { VAGRANT_HOME: home, VAGRANT_DOTFILE_PATH: join(home, 'dot'), VAGRANT_CHECKPOINT_DISABLE: '1' };
}
