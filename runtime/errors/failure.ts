// What explaining a failed op needs: facts besides the report, and the words that all explanations share.
import type { ErrorCode } from './codes.ts';
import { errnoName, errnoText } from './errno.ts';
import type { FailureReport } from './failure-report.ts';
import { KrunError } from './krun-error.ts';

/** Read from the host at the time of the report, because plans are pure; what cannot be read is null. */
export interface FailureFacts {
  /** uname -m: x86_64, aarch64. */
  readonly machine: string;
  readonly uid: number;
  /** /proc/sys/user/max_user_namespaces */
  readonly maxUserNamespaces: number | null;
  /** /proc/sys/kernel/unprivileged_userns_clone (Debian's) */
  readonly unprivilegedUserNamespaces: number | null;
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns (Ubuntu's) */
  readonly apparmorRestrictsUserNamespaces: number | null;
  /** What the bind source at the report's pointer is on the host. */
  readonly sourceKind: 'directory' | 'file' | null;
  /** The errors in criu's log, the last ones; empty when it was not criu that failed. */
  readonly criuErrors: readonly string[];
  /** config.json as parsed, or null: values are looked up in it by pointer, for messages only. */
  readonly config: unknown;
}

export type Explainer = (report: FailureReport, facts: FailureFacts) => KrunError;

/** The error for a report; `message` is the whole cause. */
export function explained(report: FailureReport, code: ErrorCode, message: string, hint?: string): KrunError {
  const { op, pointer, syscall, path, errno } = report;
  const details = { op, pointer, syscall, path, errno: errno === 0 ? '' : errnoName(errno), hint };
  return new KrunError(
    code,
    message,
    Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined && value !== '')),
  );
}

/** An explainer that says "what: no such file or directory", with a hint for the errnos that have one. */
export function refused(code: ErrorCode, what: string, hints: Readonly<Record<string, string>> = {}): Explainer {
  return (report) => explained(report, code, reason(report, what), hints[errnoName(report.errno)]);
}

/** "what ("/path"): operation not permitted: what the kernel or a program said in so many words". */
export function reason({ errno, path, detail }: FailureReport, what: string): string {
  const about = path === '' ? what : `${what} (${quote(path)})`;
  const said = wordsOf(detail);
  return [about, errnoText(errno) || errnoName(errno), ...(said === '' ? [] : [said])].join(': ');
}

// What the kernel said of a mount (fsconfig's log: "e tmpfs: Unknown parameter 'x'"), or a detail that is no list of fields.
function wordsOf(detail: string): string {
  const [, kernel] = /(?:^|\s)kernel=([\s\S]*)$/.exec(detail) ?? [];
  if (kernel !== undefined)
    return kernel
      .replace(/(^|\n)[ewi] /g, '$1')
      .trim()
      .replaceAll('\n', '; ');
  return fieldsOf(detail).size === 0 ? detail.trim() : '';
}

/** Paths and names in messages: quoted, so that spaces and a carriage return are seen. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** The fields of a detail: key=value, separated by white space; a value may hold spaces. */
export function fieldsOf(detail: string): ReadonlyMap<string, string> {
  const parts = detail.split(/\s+(?=[A-Za-z]+=)/).map((part) => /^([A-Za-z]+)=([\s\S]*)$/.exec(part));
  return new Map(parts.flatMap((match) => (match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const])));
}

/** The value that an RFC 6901 pointer names, or undefined. */
export function lookUp(document: unknown, pointer: string): unknown {
  let value = document;
  for (const segment of pointer.split('/').slice(1)) {
    const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
