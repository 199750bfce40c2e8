import type { ErrorCode } from './codes.ts';

export interface KrunErrorDetails {
  /** JSON pointer (RFC 6901) into config.json, such as /mounts/3/source. */
  readonly pointer?: string;
  /** The op that failed, as in `krun plan`. */
  readonly op?: string;
  readonly syscall?: string;
  /** The errno's name, such as EPERM. */
  readonly errno?: string;
  readonly path?: string;
  /** What to do about it, one line. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error of krun: told apart by `code`, which never changes its meaning. */
export class KrunError extends Error {
  // Each bundle of dist/ brings a copy of this class along; an error of one is an error for all.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'KrunError';
  }

  override readonly name = 'KrunError';
  readonly code: ErrorCode;
  readonly pointer: string | undefined;
  readonly op: string | undefined;
  readonly syscall: string | undefined;
  readonly errno: string | undefined;
  readonly path: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: KrunErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.pointer = details.pointer;
    this.op = details.op;
    this.syscall = details.syscall;
    this.errno = details.errno;
    this.path = details.path;
    this.hint = details.hint;
  }
}

/** What is no KrunError is a fault of krun's own. */
export function asKrunError(error: unknown): KrunError {
  if (error instanceof KrunError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new KrunError('E_INTERNAL', `a fault in krun itself: ${message}`, {
    cause: error,
    hint: 'please report it, with what --debug prints',
  });
}
