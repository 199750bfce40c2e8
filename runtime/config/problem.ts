import type { ErrorCode } from '../errors/codes.ts';

/** One thing that is wrong with config.json. */
export interface Problem {
  /** JSON pointer (RFC 6901); '' is the whole document. */
  readonly pointer: string;
  /** "X must be Y", one line, no final period. */
  readonly message: string;
  /** What to do about it, one line. */
  readonly hint?: string;
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
}

export type Path = readonly (string | number)[];

export interface ProblemDetails {
  readonly hint?: string;
  readonly code?: ErrorCode;
}

/** Collects problems while a checker walks through a document; `path` is where the walk stands. */
export interface Report {
  readonly problems: Problem[];
  readonly path: (string | number)[];
  /** `below` leads from where the walk stands to the fault; the message becomes "<name of that place> <predicate>". */
  error(below: Path, predicate: string, details?: ProblemDetails): void;
  warning(below: Path, predicate: string, details?: ProblemDetails): void;
}

// A broken generator can repeat one fault a million times; nobody reads more than this.
const mostProblems = 1000;

/** An empty report, standing at the root of the document. */
export function createReport(): Report {
  const problems: Problem[] = [];
  const path: (string | number)[] = [];
  const faulty = new Set<string>();
  const add = (severity: Problem['severity'], below: Path, predicate: string, details: ProblemDetails): void => {
    // Warnings leave room for errors: an error must never be lost, or the document would pass.
    if (problems.length >= (severity === 'warning' ? mostProblems : 2 * mostProblems)) return;
    const problem = makeProblem([...path, ...below], severity, predicate, details);
    // A second error at one place follows from the first: "major must be given" after "major must be an integer".
    if (severity === 'error' && faulty.has(problem.pointer)) return;
    if (severity === 'error') faulty.add(problem.pointer);
    problems.push(problem);
  };
  return {
    problems,
    path,
    error: (below, predicate, details = {}) => add('error', below, predicate, details),
    warning: (below, predicate, details = {}) => add('warning', below, predicate, details),
  };
}

/** A problem at a path of the document. */
export function makeProblem(path: Path, severity: Problem['severity'], predicate: string, details: ProblemDetails = {}): Problem {
  const { hint, code = 'E_CONFIG' } = details;
  const problem = { pointer: toPointer(path), message: `${nameOf(path)} ${predicate}`, code, severity };
  return hint === undefined ? problem : { ...problem, hint };
}

/** RFC 6901: ['linux', 'sysctl', 'a/b'] is /linux/sysctl/a~1b. */
export function toPointer(path: Path): string {
  return path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

// The last property with the indexes behind it: namespaces[2].
function nameOf(path: Path): string {
  const lastName = path.findLastIndex((segment) => typeof segment === 'string');
  if (lastName < 0) return `the configuration${path.map((index) => `[${index}]`).join('')}`;
  const indexes = path.slice(lastName + 1).map((index) => `[${index}]`);
  return `${readable(String(path[lastName]))}${indexes.join('')}`;
}

// Names come from the document: a control character in one must not reach a terminal or break the line.
function readable(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return /^[\x21-\x7e…]+$/.test(short) ? short : JSON.stringify(short);
}
