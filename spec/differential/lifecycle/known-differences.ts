// Where a runtime answers otherwise than krun on purpose, or because nobody relies on it. All else is a fault.
import type { RuntimeName } from '../runtimes.ts';

export interface KnownDifference {
  readonly runtime: Exclude<RuntimeName, 'krun'>;
  /** Of the step in which they differ. */
  readonly step: RegExp;
  /** What the other one answers, and krun. */
  readonly theirs: RegExp;
  readonly ours?: RegExp;
  readonly why: string;
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    runtime: 'runc',
    step: /./,
    theirs: /^exit 1 \| usage/,
    ours: /^exit 1 \| then/,
    why: 'a command line that cannot be read is no reason to write to standard output',
  },
  { runtime: 'runc', step: /^nosuch$/, theirs: /^exit 3/, ours: /^exit 1/, why: 'an unknown command is a mistake like others' },
  {
    runtime: 'runc',
    step: /^exec ID \/etc$/,
    theirs: /^exit 255 \| says permission denied/,
    ours: /^exit 255 \| then/,
    why: 'is a directory, as runc since 1.2 has it; engines look for either',
  },
  {
    runtime: 'runc',
    step: /^exec ID true$/,
    theirs: /^exit 255 \| says cannot exec in a stopped container \|/,
    ours: /^exit 255 \| says container not running, cannot exec in a stopped container \|/,
    why: 'podman looks for "container not running"',
  },
  {
    runtime: 'runc',
    step: /^kill ID (99|-1)$/,
    theirs: /^exit 1 \| then/,
    ours: /^exit 1 \| says unknown signal/,
    why: 'runc leaves it to the kernel to refuse numbers',
  },
  {
    runtime: 'runc',
    step: /^kill ID SIGRTMIN\+1$/,
    theirs: /^exit 1/,
    ours: /^exit 0/,
    why: 'runc before 1.2 has no names for real-time signals; engines send them as STOPSIGNAL',
  },
  {
    runtime: 'runc',
    step: /^create --bundle DIR\/nowhere ID$/,
    theirs: /^exit 1 \| says no such file or directory/,
    ours: /^exit 1 \| then/,
    why: 'what is missing is said by its name',
  },
  {
    runtime: 'runc',
    step: /^create --bundle BUNDLE ''$/,
    theirs: /^exit 1 \| then absent/,
    ours: /^exit 1 \| says invalid container ID format/,
    why: 'runc has other words for an empty id',
  },
  {
    runtime: 'runc',
    step: /^events --stats ID$/,
    theirs: /^exit 1 \| then stopped/,
    ours: /^exit 1 \| says container not running/,
    why: 'runc says "container with id … is not running"',
  },
  {
    runtime: 'crun',
    step: /^exec/,
    theirs: /^exit 1 \|/,
    ours: /^exit 255 \|/,
    why: "runc's status: crun leaves with 1 when it does not come to the process",
  },
  { runtime: 'crun', step: /^ps /, theirs: /^exit (253|undefined) /, why: 'crun leaves by chance or crashes; null is what runc prints' },
  { runtime: 'crun', step: /^ps ID$/, theirs: /columns PID,/, why: 'crun shows only pids' },
  { runtime: 'crun', step: /^state ID$/, theirs: /systemd-scope/, why: 'crun adds systemd-scope' },
  { runtime: 'crun', step: /^list/, theirs: /columns NAME|\[\]|\[\{bundle/, why: "runc's list" },
  {
    runtime: 'crun',
    step: /^(resume|pause) ID$/,
    theirs: /^exit 0 \|/,
    ours: /^exit 1 \| says/,
    why: 'crun freezes and thaws again what is so already',
  },
  {
    runtime: 'crun',
    step: /^pause ID$/,
    theirs: /then created$/,
    ours: /then paused$/,
    why: 'crun looks for the gate first; a created container that is paused is paused, as with runc',
  },
  { runtime: 'crun', step: /^kill ID nosuch$/, theirs: /^exit 0/, ours: /^exit 1/, why: 'crun 1.8 takes an unknown name for signal 0' },
  { runtime: 'crun', step: /^create --bundle BUNDLE a\tb$/, theirs: /^exit 0/, ours: /^exit 1/, why: 'runc refuses such an id' },
  { runtime: 'crun', step: /^state --nosuch ID$/, theirs: /^exit 64/, ours: /^exit 1/, why: "argp's status" },
];
