// KrunError → what the caller reads: text on stderr, a line in the log. runc's conventions (level, msg, time), so that engines can parse it.
import type { LogLevel, LogOptions } from '../container/options.ts';
import type { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { exit, print } from '../plan/print.ts';

export interface Reporting {
  readonly log: LogOptions;
  readonly now: Date;
}

/** Says what failed on stderr and, when it is another file, in the log; then leaves with this status. */
export function errorPlan(error: KrunError, status: number, { log, now }: Reporting): Plan {
  const line = renderLogLine('error', messageWithPlace(error), detailsOf(error), { log, now });
  const text = log.file === null && log.format === 'json' ? line : renderText(error, log.level === 'debug');
  return [print(2, text), ...(log.file === null ? [] : [append(log.file, line)]), exit(status)];
}

/** Warnings go to the log only: stderr stays silent on success unless it is the log. */
export function warningOps(warnings: readonly { readonly message: string; readonly pointer?: string }[], { log, now }: Reporting): Plan {
  if (!isLogged('warning', log)) return [];
  return warnings.flatMap(({ message, pointer }) => {
    const line = renderLogLine('warning', message, pointer === undefined ? {} : { pointer }, { log, now });
    return log.file === null ? [print(2, line)] : [append(log.file, line)];
  });
}

/** One cause in the first line, then where, what the kernel said, and the remedy. */
export function renderText(error: KrunError, withStack = false): string {
  const lines = [`krun: ${error.message}`];
  if (error.pointer) lines.push(`  at: config.json#${error.pointer}`);
  if (error.op !== undefined) lines.push(`  doing: ${error.op}`);
  const path = error.path && JSON.stringify(error.path);
  const kernel = [error.syscall, path, error.errno].filter((part) => part);
  if (kernel.length > 0) lines.push(`  ${kernel.length === 1 && path ? 'path' : 'kernel'}: ${kernel.join(' ')}`);
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  lines.push(`  code: ${error.code}`);
  if (withStack) lines.push(...stackOf(error).map((line) => `  ${line}`));
  return `${lines.map(printable).join('\n')}\n`;
}

function append(path: string, content: string): Op {
  return { op: 'appendFile', pointer: '', path, content: new TextEncoder().encode(content) };
}

const order = { error: 0, warning: 1, info: 2, debug: 3 } as const satisfies Record<LogLevel, number>;

function isLogged(level: LogLevel, log: LogOptions): boolean {
  return order[level] <= order[log.level];
}

// Engines show `msg` alone, so it must say which part of config.json is meant.
function messageWithPlace(error: KrunError): string {
  return error.pointer ? `${error.message} (config.json#${error.pointer})` : error.message;
}

function detailsOf({ code, pointer, op, syscall, errno, path, hint }: KrunError): Record<string, unknown> {
  return { code, pointer: pointer || undefined, op, syscall, errno, path, hint };
}

function renderLogLine(level: LogLevel, msg: string, details: Record<string, unknown>, { log, now }: Reporting): string {
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  if (log.format === 'json') return `${JSON.stringify({ level, msg, time, ...details })}\n`;
  const pairs = Object.entries({ msg, ...details }).filter(([, value]) => value !== undefined);
  return `time="${time}" level=${level} ${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ')}\n`;
}

// A path out of a hostile root file system must not reach the terminal as an escape sequence.
function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return line.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    JSON.stringify(character)
      .slice(1, -1)
      .replace(/^[\u007f-\u2029]$/, hex),
  );
}

function hex(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function stackOf(error: KrunError): string[] {
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause.stack ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
}
