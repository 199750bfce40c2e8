// What a person reads when a start fails: the rows of the table of messages that confuse elsewhere, through the whole of krun.
import { chmod, copyFile, mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Mount } from '../../runtime/config/config.ts';
import { readHostFacts } from '../../runtime/host/facts.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withLinux, withMounts, withProcess, withUserNamespace } from '../support/change-config.ts';
import { type KrunResult, krunBinary, runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

interface Row {
  readonly title: string;
  readonly change: ConfigChange;
  /** What is done to the bundle before. */
  readonly prepare?: (bundle: Bundle) => Promise<unknown>;
  readonly code: string;
  readonly at?: string;
  readonly says: RegExp;
}

const args = (...words: string[]) => withProcess({ args: words });
const file =
  (name: string, content: string | Uint8Array, mode = 0o755) =>
  async ({ rootfs }: Bundle) => {
    await writeFile(join(rootfs, name), content);
    await chmod(join(rootfs, name), mode);
  };
const bind = (source: string, destination: string): Mount => ({ destination, source, options: ['bind'] });

const rows: readonly Row[] = [
  {
    title: 'a program that is not there',
    change: args('/app/missing'),
    code: 'E_NOT_FOUND',
    at: '/process/args/0',
    says: /exec: "\/app\/missing": no such file or directory/,
  },
  {
    title: 'a program that is nowhere in PATH',
    change: args('missing'),
    code: 'E_NOT_FOUND',
    at: '/process/args/0',
    says: /exec: "missing": executable file not found in \$PATH/,
  },
  {
    title: 'a script whose interpreter is missing',
    change: args('/run.sh'),
    prepare: file('run.sh', '#!/bin/bash\necho\n'),
    code: 'E_NOT_EXECUTABLE',
    says: /its interpreter "\/bin\/bash" does not/,
  },
  {
    title: 'a script with Windows line endings',
    change: args('/run.sh'),
    prepare: file('run.sh', '#!/bin/sh\r\necho\r\n'),
    code: 'E_NOT_EXECUTABLE',
    says: /its interpreter "\/bin\/sh\\r" does not: the file has Windows line endings/,
  },
  {
    title: 'a program without execute permission',
    change: args('/bin/tool'),
    prepare: file('bin/tool', '#!/bin/sh\n', 0o644),
    code: 'E_NOT_EXECUTABLE',
    says: /no execute bit \(mode 0644\)/,
  },
  {
    title: 'a directory as program',
    change: args('/etc'),
    code: 'E_NOT_EXECUTABLE',
    says: /"\/etc": .*is a directory/,
  },
  {
    title: 'an empty file as program',
    change: args('/empty'),
    prepare: file('empty', ''),
    code: 'E_NOT_EXECUTABLE',
    says: /the file is empty/,
  },
  {
    title: 'a text without #! as program',
    change: args('/text'),
    prepare: file('text', 'echo hello\n'),
    code: 'E_NOT_EXECUTABLE',
    says: /neither an ELF program nor a script/,
  },
  {
    title: 'a program of another machine',
    change: args('/app'),
    prepare: ({ rootfs }) => copyForAnotherMachine(join(rootfs, 'app')),
    code: 'E_NOT_EXECUTABLE',
    says: /exec format error: it is (arm64|x86_64|s390x); this host is \w+ and has no binfmt handler/,
  },
  {
    title: 'a program whose loader is missing',
    change: args('/dynamic'),
    prepare: ({ rootfs }) => copyFile('/bin/ls', join(rootfs, 'dynamic')),
    code: 'E_NOT_EXECUTABLE',
    says: /the file exists, but its loader "\/lib.*ld-linux.*" does not/,
  },
  {
    title: 'a program on a mount with noexec',
    change: all(args('/mnt/tool'), withMounts({ destination: '/mnt', source: 'tools', options: ['bind', 'noexec'] })),
    prepare: async ({ path }) => {
      await mkdir(join(path, 'tools'));
      await copyFile('/bin/busybox', join(path, 'tools/tool'));
    },
    code: 'E_NOT_EXECUTABLE',
    says: /noexec/,
  },
  {
    title: 'a program that only root may execute, for another user',
    change: withProcess({ args: ['/bin/tool'], user: { uid: 1000, gid: 1000 } }),
    prepare: file('bin/tool', '#!/bin/sh\n', 0o700),
    code: 'E_NOT_EXECUTABLE',
    says: /this user may not execute it.*\(mode 0700\)/,
  },
  {
    title: 'a bind mount without its source',
    change: withMounts(bind('/nowhere/data', '/mnt')),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7',
    says: /mount source "\/nowhere\/data" does not exist/,
  },
  {
    title: 'a directory that is to be mounted on a file',
    change: withMounts(bind('rootfs/etc', '/etc/hosts')),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7',
    says: /source is a directory, destination is a file/,
  },
  {
    title: 'a file that is to be mounted on a directory',
    change: withMounts(bind('config.json', '/etc')),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7',
    says: /source is a file, destination is a directory/,
  },
  {
    title: 'a file system that the kernel does not have',
    change: withMounts({ destination: '/mnt', type: 'nosuchfs', source: 'none' }),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7',
    says: /no file system type "nosuchfs"/,
  },
  {
    title: 'an option that the file system does not know',
    change: withMounts({ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['sizze=1m'] }),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7',
    says: /Unknown parameter 'sizze'/,
  },
  {
    title: 'a bind mount with a misspelt option',
    change: withMounts({ destination: '/mnt', source: '/tmp', options: ['bind', 'nosiud'] }),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7/options/1',
    says: /"nosiud" is not an option[\s\S]*did you mean nosuid\?/,
  },
  {
    title: 'a mount on the root itself',
    change: withMounts({ destination: '/link', type: 'tmpfs', source: 'tmpfs' }),
    prepare: ({ rootfs }) => symlink('/', join(rootfs, 'link')),
    code: 'E_BAD_MOUNT',
    at: '/mounts/7',
    says: /is the root itself/,
  },
  {
    title: 'a symbolic link in place of /proc',
    change: (config) => config,
    prepare: async ({ rootfs }) => {
      await rm(join(rootfs, 'proc'), { recursive: true });
      await symlink('/tmp', join(rootfs, 'proc'));
    },
    code: 'E_UNSAFE_PATH',
    at: '/mounts/0',
    says: /symbolic link/,
  },
  {
    title: 'a root file system that is not there',
    change: (config) => ({ ...config, root: { path: 'missing' } }),
    code: 'E_ROOTFS',
    at: '/root/path',
    says: /root file system ".*\/missing" does not exist/,
  },
  {
    title: 'a root file system that is a file',
    change: (config) => ({ ...config, root: { path: 'config.json' } }),
    code: 'E_ROOTFS',
    at: '/root/path',
    says: /is not a directory/,
  },
  {
    title: 'a working directory that is a file',
    change: withProcess({ cwd: '/etc/hosts' }),
    code: 'E_ROOTFS',
    at: '/process/cwd',
    says: /\/etc\/hosts/,
  },
  {
    title: 'a device node where another one stands',
    change: withLinux({ devices: [{ path: '/etc/hosts', type: 'c', major: 1, minor: 3 }] }),
    code: 'E_BAD_DEV',
    at: '/linux/devices/0',
    says: /exists and is not the device/,
  },
  {
    title: 'a user that the user namespace does not map',
    change: all(withUserNamespace({ containerID: 0, hostID: 100_000, size: 1 }), withProcess({ user: { uid: 1, gid: 0 } })),
    code: 'E_CONFIG',
    at: '/process/user/uid',
    says: /must be an id that linux\.uidMappings maps, not 1/,
  },
];

for (const { title, change, prepare, code, at, says } of rows) {
  test(`${title}: ${code}${at === undefined ? '' : ` at ${at}`}, in words that tell why`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const bundle = await makeBundle(t, change);
    await prepare?.(bundle);
    const { status, stdout, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id]);
    t.deepEqual([status, stdout], [1, '']);
    t.regex(stderr, says);
    t.regex(stderr, new RegExp(`code: ${code}$`));
    if (at !== undefined) t.true(stderr.includes(`at: config.json#${at}\n`), stderr);
    t.regex(stderr.split('\n')[0] ?? '', /^krun: [^:]+.*[^.]$/); // one cause, no final period
  });
}

test('a config.json that is missing, no JSON, or wrong in several places', async (t) => {
  const bundle = await makeBundle(t);
  const config = join(bundle.path, 'config.json');
  const run = () => runKrun(['run', '--bundle', bundle.path, bundle.id]);
  await writeFile(config, '{"ociVersion": "1.0.0",}');
  t.regex((await run()).stderr, /code: E_CONFIG_JSON/);
  await writeFile(config, '{"ociVersion": "1.0.0", "root": {"path": "rootfs"}, "process": {"cwd": "x", "args": []}}');
  const wrong = await run();
  t.regex(wrong.stderr, /process\/cwd/);
  t.regex(wrong.stderr, /code: E_CONFIG/);
  await rm(config);
  t.regex((await run()).stderr, /there is no .*config\.json[\s\S]*krun spec[\s\S]*code: E_BUNDLE/);
});

test('a label is refused where nothing would enforce it', async (t) => {
  const { apparmor, selinux } = readHostFacts({ pid: process.pid, uid: 0 }).securityModules;
  if (skipUnless(t, 'a host without AppArmor and SELinux', !apparmor && !selinux)) return;
  for (const label of [{ apparmorProfile: 'strict' }, { selinuxLabel: 'a:b:c:d' }]) {
    const { status, stderr } = await runChanged(t, withProcess(label));
    t.is(status, 1);
    t.regex(stderr, /is not active on this host[\s\S]*leave process\.\w+ out[\s\S]*code: E_NO_LSM/);
  }
});

test('with --log-format json an error is one line of JSON with code, pointer, syscall, errno and path', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { stderr } = await failWith(t, ['--log-format', 'json']);
  const line = JSON.parse(stderr) as Record<string, string>;
  t.like(line, { level: 'error', code: 'E_BAD_MOUNT', pointer: '/mounts/7', syscall: 'open_tree', errno: 'ENOENT', path: '/nowhere' });
  t.regex(line.msg ?? '', /mount source "\/nowhere" does not exist/);
  t.regex(line.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('--log FILE gets a line for each error, and standard error is still told', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  const log = join(bundle.path, 'log');
  for (const format of ['json', 'text', 'json']) {
    const { stderr } = await failWith(t, ['--log', log, '--log-format', format]);
    t.regex(stderr, /code: E_BAD_MOUNT/);
  }
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  t.is(lines.length, 3);
  t.like(JSON.parse(lines[0] ?? ''), { level: 'error', code: 'E_BAD_MOUNT' });
  t.regex(lines[1] ?? '', /^time="[^"]+" level=error msg=".*does not exist/);
});

for (const [what, redirection] of [
  ['that is open for reading only, as containerd gives it to a pod', '2</dev/null'],
  ['that is closed', '2>&-'],
  ['whose reader has gone', '2> >(exec true)'],
] as const)
  test(`the log gets the error, once, also with a standard error ${what}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const bundle = await makeBundle(t, withMounts(bind('/nowhere/at/all', '/x')));
    const log = join(bundle.path, 'log');
    const script = `exec ${redirection}; wait; exec "$@"`;
    const krun = [krunBinary, '--log', log, '--log-format', 'json', 'create', '--bundle', bundle.path, bundle.id];
    const { exitCode } = await execa('bash', ['-c', script, 'bash', ...krun], { reject: false, stdio: 'ignore' });
    t.is(exitCode, 1);
    const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
    t.deepEqual(
      lines.map((line) => JSON.parse(line).code),
      ['E_BAD_MOUNT'],
    );
  });

test('a start that succeeds writes nothing of its own, neither to standard error nor to the log', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, args('/bin/true'));
  const log = join(bundle.path, 'log');
  t.like(await runKrun(['--log', log, 'run', '--bundle', bundle.path, bundle.id]), { status: 0, stdout: '', stderr: '' });
  t.is(await readFile(log, 'utf8').catch(() => ''), '');
});

test('a path of the root file system cannot put escape sequences on the terminal', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, args('/app\u001b[31m\u0007'));
  const { stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id]);
  t.false(stderr.includes('\u001b') || stderr.includes('\u0007'));
});

async function runChanged(t: ExecutionContext, change: ConfigChange): Promise<KrunResult> {
  const bundle = await makeBundle(t, change);
  return runKrun(['run', '--bundle', bundle.path, bundle.id]);
}

async function failWith(t: ExecutionContext, flags: readonly string[]): Promise<KrunResult> {
  const bundle = await makeBundle(t, withMounts(bind('/nowhere', '/mnt')));
  return runKrun([...flags, 'run', '--bundle', bundle.path, bundle.id]);
}

// e_machine of ELF: 183 is arm64, 62 x86_64.
async function copyForAnotherMachine(path: string): Promise<void> {
  await copyFile('/bin/busybox', path);
  const elf = await open(path, 'r+');
  await elf.write(Uint8Array.of(process.arch === 'x64' ? 183 : 62, 0), 0, 2, 18);
  await elf.close();
}
