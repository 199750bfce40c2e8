// Why a program did not start. docker and podman derive their exit status (126, 127) from these words of execve(2)'s, so they stay in.
import { errnoName, errnoText } from './errno.ts';
import { type Explainer, explained, type FailureFacts, fieldsOf, lookUp, quote } from './failure.ts';

/** findProgram: the program is not there, or is no executable file. */
export const explainFindProgram: Explainer = (report, facts) => {
  const name = report.path || programOf(facts) || 'the program';
  if (errnoName(report.errno) !== 'ENOENT') return explainExecute(report, facts);
  if (!name.includes('/'))
    return explained(report, 'E_NOT_FOUND', `exec: ${quote(name)}: executable file not found in $PATH`, searched(facts));
  return explained(
    report,
    'E_NOT_FOUND',
    `exec: ${quote(name)}: no such file or directory`,
    'the path is looked up inside the root file system',
  );
};

/** execute: the file is there, but execve refused it. `detail` says what the helper saw of the file. */
export const explainExecute: Explainer = (report, facts) => {
  const name = report.path || programOf(facts) || 'the program';
  const cause = causes[errnoName(report.errno)]?.(look(report.detail), facts);
  const words = errnoText(report.errno) || errnoName(report.errno);
  const message = `exec: ${quote(name)}: ${words}${cause === undefined ? '' : `: ${cause.why}`}`;
  return explained(report, 'E_NOT_EXECUTABLE', message, cause?.hint);
};

interface Sight {
  readonly mode: number | null;
  readonly noexec: boolean;
  readonly interpreter: string;
  readonly interpreterExists: boolean;
  readonly carriageReturn: boolean;
  readonly machine: number;
  readonly bits: string;
  readonly empty: boolean;
}

interface Cause {
  readonly why: string;
  readonly hint?: string;
}

// The keys are agreed with the helper's exec.c.
/** captureOutput: a program of the host, such as ps. */
export const explainCapture: Explainer = (report) => {
  const status = fieldsOf(report.detail).get('status');
  if (status !== undefined)
    return explained({ ...report, errno: 0, syscall: '' }, 'E_SYSTEM', `${report.path} ended with status ${status}`);
  return explained(report, 'E_SYSTEM', `${report.path} cannot be run: ${errnoText(report.errno) || errnoName(report.errno)}`);
};

function look(detail: string): Sight {
  const fields = fieldsOf(detail);
  const mode = fields.get('mode');
  return {
    mode: mode === undefined ? null : Number.parseInt(mode, 8),
    noexec: fields.get('noexec') === '1',
    interpreter: (fields.get('interpreter') ?? '').replace(/\r$/, ''),
    interpreterExists: fields.get('interpreterExists') !== '0',
    carriageReturn: fields.get('shebangCr') === '1',
    machine: Number(fields.get('machine') ?? 0),
    bits: fields.get('class') ?? '',
    empty: fields.get('empty') === '1',
  };
}

const causes: Readonly<Record<string, (sight: Sight, facts: FailureFacts) => Cause | undefined>> = {
  ENOENT: missingInterpreter,
  ENOTDIR: missingInterpreter,
  ENOEXEC: wrongFormat,
  EACCES: notAllowed,
  EPERM: () => ({ why: 'a seccomp profile or a security module forbids it', hint: 'does the seccomp profile allow execve?' }),
  E2BIG: () => ({ why: 'process.args and process.env are too long together' }),
  ELIBBAD: ({ interpreter }) => ({ why: `its loader ${quote(interpreter)} is not a program for this machine` }),
  ENOMEM: () => ({ why: 'the memory limit is too small for it', hint: 'raise linux.resources.memory.limit' }),
  ELOOP: () => ({ why: 'too many symbolic links, or interpreters that need interpreters' }),
  ETXTBSY: () => ({ why: 'the file is open for writing' }),
};

function missingInterpreter({ interpreter, interpreterExists, carriageReturn, machine }: Sight): Cause | undefined {
  if (carriageReturn) {
    const why = `the file exists, but its interpreter ${quote(`${interpreter}\r`)} does not: the file has Windows line endings`;
    return { why, hint: 'convert it with dos2unix, or sed -i "s/\\r$//"' };
  }
  if (interpreter === '' || interpreterExists) return undefined;
  const isElf = machine !== 0;
  return {
    why: `the file exists, but its ${isElf ? 'loader' : 'interpreter'} ${quote(interpreter)} does not`,
    hint: isElf
      ? 'it was built for another libc: use the image it was built for, or link it statically'
      : 'install the interpreter in the root file system, or change the first line',
  };
}

// ELF's e_machine.
const machines: Readonly<Record<number, string>> = {
  2: 'sparc',
  3: 'i386',
  8: 'mips',
  20: 'powerpc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  43: 'sparc64',
  62: 'x86_64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loongarch64',
};

function wrongFormat({ empty, machine, bits }: Sight, facts: FailureFacts): Cause {
  if (empty) return { why: 'the file is empty' };
  if (machine === 0)
    return { why: 'it is neither an ELF program nor a script that begins with #!', hint: 'give a script a first line such as #!/bin/sh' };
  const built = machines[machine] ?? `for machine ${machine}`;
  const host = facts.machine === 'aarch64' ? 'arm64' : facts.machine;
  if (built !== host) {
    return {
      why: `it is ${built}; this host is ${host} and has no binfmt handler`,
      hint: `use an image for ${host}, or install qemu-user-static`,
    };
  }
  return { why: bits === '32' ? `it is a 32-bit program, which this kernel does not run` : 'the ELF file is damaged' };
}

function notAllowed({ mode, noexec, interpreter, interpreterExists, carriageReturn }: Sight): Cause | undefined {
  if (mode !== null && isKind(mode, 0o040000)) return { why: 'is a directory' };
  if (mode !== null && !isKind(mode, 0o100000) && (mode & 0o170000) !== 0) return { why: 'it is not a regular file' };
  if (mode !== null && (mode & 0o111) === 0) {
    return { why: `the file has no execute bit (mode ${octal(mode)})`, hint: 'chmod +x it in the root file system' };
  }
  if (noexec) return { why: 'it lies on a mount with the option noexec' };
  if (carriageReturn || (interpreter !== '' && !interpreterExists))
    return { why: `its interpreter ${quote(interpreter)} cannot be executed` };
  const who = 'this user may not execute it, or not search a directory on the way to it';
  return { why: mode === null ? who : `${who} (mode ${octal(mode)})` };
}

function isKind(mode: number, kind: number): boolean {
  return (mode & 0o170000) === kind;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function programOf({ config }: FailureFacts): string | undefined {
  const first = lookUp(config, '/process/args/0');
  return typeof first === 'string' ? first : undefined;
}

function searched({ config }: FailureFacts): string {
  const env = lookUp(config, '/process/env');
  const path = Array.isArray(env) ? env.findLast((entry) => typeof entry === 'string' && entry.startsWith('PATH=')) : undefined;
  return path === undefined ? 'process.env has no PATH' : `process.env has ${path}`;
}
