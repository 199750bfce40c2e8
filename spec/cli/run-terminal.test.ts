import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Process } from '../../runtime/config/config.ts';
import { type Bundle, baseConfig, makeBundle } from '../support/bundle.ts';
import { krunBinary, runKrun } from '../support/krun.ts';
import { type Person, sitDown } from '../support/person.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;

test('sh at a terminal: a prompt, the size from the start and after a change, and its exit status', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { person } = await runAtTerminal(t, ['sh'], { size: { columns: 77, rows: 33 } });
  await person.see('# ');
  person.type('stty size; tty\r');
  await person.see('33 77\r\n/dev/pts/0\r\n');
  person.resize(90, 40);
  person.type('while [ "$(stty size)" != "40 90" ]; do :; done; echo it is $(stty size)\r');
  await person.see('it is 40 90\r\n');
  person.type('exit 7\r');
  t.like(await person.end, { exitCode: 7 });
});

test('the size is right before the first byte is painted, whatever consoleSize says', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const process = { consoleSize: { height: 10, width: 20 } };
  const { person } = await runAtTerminal(t, ['stty', 'size'], { process, size: { columns: 132, rows: 50 } });
  t.regex(await person.see('\n'), /^50 132\r\n$/);
});

test('Ctrl-C interrupts what runs, and Ctrl-Z stops it, in the container and not krun', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { person } = await runAtTerminal(t, ['sh']);
  await person.see('# ');
  person.type('echo ready; sleep 1000\r');
  await person.see('ready\r\n');
  await typeUntil(person, '\x03', '# ');
  person.type('echo status $?\r');
  await person.see('status 130\r\n');
  person.type('echo again; sleep 1000\r');
  await person.see('again\r\n');
  await typeUntil(person, '\x1a', 'Stopped');
  person.type('kill %1; exec true\r');
  t.like(await person.end, { exitCode: 0 });
});

test('vi edits a file, and top shows processes until q', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { person } = await runAtTerminal(t, ['sh'], { writable: true });
  await person.see('# ');
  person.type('vi /tmp/text\r');
  await person.see('/tmp/text');
  person.type('i');
  await person.see('I /tmp/text');
  person.type('hello from vi');
  await person.see('hello from vi');
  person.type('\x1b');
  await person.see('- /tmp/text');
  person.type(':wq\r');
  await person.see('# ');
  person.type('cat /tmp/text; echo --\r');
  await person.see(/\nhello from vi\r\n--/);
  person.type('top\r');
  await person.see('PPID');
  person.type('q');
  person.type('exit\r');
  t.like(await person.end, { exitCode: 0 });
});

for (const [title, program, wanted] of [
  ['when the process ends', 'true', 0],
  ['when the process is killed', 'kill -KILL $$', 0],
  ['when the program does not exist', null, 1],
] as const) {
  test(`the terminal is as it was ${title}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { path, id } = await terminalBundle(t, program === null ? ['/missing'] : ['sh', '-c', program]);
    const script = `before=$(stty -g); '${krunBinary}' run --bundle '${path}' '${id}'; status=$?; [ "$before" = "$(stty -g)" ] && echo same $status`;
    const person = sitDown(t, '/bin/sh', ['-c', script]);
    await person.see(`same ${wanted}`);
    t.pass();
  });
}

test('the terminal is as it was when krun is told to end', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { path, id } = await terminalBundle(t, ['sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 1000 & wait; done']);
  const script = `before=$(stty -g); trap : TERM; '${krunBinary}' run --bundle '${path}' '${id}'; status=$?; [ "$before" = "$(stty -g)" ] && echo same $status`;
  const person = sitDown(t, '/bin/sh', ['-c', script]);
  await person.see('ready');
  t.is((await runKrun(['kill', id, 'TERM'])).status, 0);
  await person.see('same 9');
});

test('all that a process writes before it ends arrives', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { person } = await runAtTerminal(t, ['sh', '-c', 'i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; printf the-end']);
  const seen = await person.see('the-end');
  t.is(seen.split('\r\n').length, 5001);
});

test('without a terminal around krun, its input is typed and ends, and its output has no carriage returns', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { path, id } = await terminalBundle(t, ['sh', '-c', 'stty -echo; echo ready; cat; echo over; tty']);
  const { status, stdout, stderr } = await runKrun(['run', '--bundle', path, id], { stdio: 'pipe', input: 'one\ntwo\n' });
  t.is(status, 0, stderr);
  t.regex(stdout, /ready\n(?:.*\n)*two\nover\n\/dev\/pts\/0$/);
  t.false(stdout.includes('\r'));
});

test('a terminal that nobody is at any more hangs up', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { path, id } = await terminalBundle(t, ['sh', '-c', 'trap "exit 5" HUP; while :; do echo y; done']);
  const { stdout } = await execa('bash', [
    '-c',
    `'${krunBinary}' run --bundle '${path}' '${id}' </dev/null | head -n 1 >/dev/null; echo $PIPESTATUS`,
  ]);
  t.is(stdout, '5');
});

test('the process owns its terminal, which is its /dev/console too', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const user = { uid: 1000, gid: 1000 };
  const { person } = await runAtTerminal(t, ['sh', '-c', 'stat -c "%u %t:%T" /dev/console /dev/pts/0; echo to-console > /dev/console'], {
    process: { user },
  });
  await person.see('1000 88:0\r\n1000 88:0\r\nto-console');
  t.like(await person.end, { exitCode: 0 });
});

test('without a devpts there is no terminal, and the error says so', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, (config) => ({
    ...config,
    process: { ...config.process, terminal: true },
    mounts: config.mounts?.filter(({ destination }) => destination !== '/dev/pts'),
  }));
  const { status, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id]);
  t.is(status, 1);
  t.regex(stderr, /E_TERMINAL/);
  t.regex(stderr, /mount a devpts/);
});

test('exec --tty gives the new process a terminal of its own', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, person: first } = await runAtTerminal(t, ['sh']);
  await first.see('# ');
  const second = sitDown(t, krunBinary, ['exec', '--tty', bundle.id, 'sh', '-c', 'tty; stty size; exit 3'], { columns: 61, rows: 17 });
  await second.see('/dev/pts/1\r\n17 61\r\n');
  t.like(await second.end, { exitCode: 3 });
  first.type('exit\r');
  t.like(await first.end, { exitCode: 0 });
});

interface Setting {
  readonly process?: Partial<Process>;
  readonly size?: { readonly columns: number; readonly rows: number };
  readonly writable?: boolean;
}

async function runAtTerminal(
  t: ExecutionContext,
  args: readonly string[],
  setting: Setting = {},
): Promise<{ bundle: Bundle; person: Person }> {
  const bundle = await terminalBundle(t, args, setting);
  return { bundle, person: sitDown(t, krunBinary, ['run', '--bundle', bundle.path, bundle.id], setting.size) };
}

async function terminalBundle(
  t: ExecutionContext,
  args: readonly string[],
  { process = {}, writable = false }: Setting = {},
): Promise<Bundle> {
  const root = { path: 'rootfs', readonly: !writable };
  const bundle = await makeBundle(t, () => ({
    ...baseConfig(),
    root,
    process: { ...baseConfig().process, terminal: true, args, ...process },
  }));
  for (const applet of ['stty', 'tty', 'vi', 'top']) await symlink('busybox', join(bundle.rootfs, 'bin', applet));
  return bundle;
}

// A key that comes before the program is there is the shell's: it is pressed until something happens.
async function typeUntil(person: Person, key: string, wanted: string): Promise<void> {
  const timer = setInterval(() => person.type(key), 200);
  try {
    await person.see(wanted);
  } finally {
    clearInterval(timer);
  }
}
