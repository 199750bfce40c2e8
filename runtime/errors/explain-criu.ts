// Why criu failed: its own last errors, and what helps against those that are known.
import { errnoName, errnoText } from './errno.ts';
import { type Explainer, explained, fieldsOf, quote } from './failure.ts';
import type { FailureReport } from './failure-report.ts';
import type { KrunError } from './krun-error.ts';

/** requestCriu and awaitCriu; `path` is criu's log, `detail` what criu itself has said. */
export const explainCriu: Explainer = (report, { criuErrors }) => {
  const restores = report.path.endsWith('/restore.log');
  const what = restores ? 'the checkpoint cannot be restored' : 'the container cannot be checkpointed';
  const log = report.path === '' ? '' : ` (${quote(report.path)} has more)`;
  const last = criuErrors.slice(-2).join('; ');
  const said = last === '' ? report.detail || errnoText(report.errno) || errnoName(report.errno) : last;
  const remedy = remedies.find(({ pattern }) => criuErrors.some((line) => pattern.test(line)))?.remedy;
  const code = restores ? 'E_RESTORE' : 'E_CHECKPOINT';
  return explained({ ...report, syscall: '', errno: 0 }, code, `${what}: criu: ${said}${log}`, remedy);
};

/** checkConfinement. */
export const explainRestoredRights: Explainer = (report) => {
  const fields = fieldsOf(report.detail);
  const namespace = fields.get('namespace');
  if (namespace !== undefined)
    return tooMuch(report, `process ${fields.get('pid')} of the checkpoint is in the host's ${namespace} namespace`);
  const set = fields.get('set');
  if (set === undefined) return explained(report, 'E_RESTORE', `what was restored cannot be looked at: ${errnoText(report.errno)}`);
  const rights = rightsOf[set] ?? `the capabilities ${fields.get('has')} in ${set}`;
  return tooMuch(report, `process ${fields.get('pid')} of the checkpoint has ${rights}`);
};

function tooMuch(report: FailureReport, what: string): KrunError {
  return explained(
    { ...report, errno: 0 },
    'E_RESTORE',
    `${what}, which config.json does not allow`,
    'the checkpoint is of another configuration, holds a process that exec gave more, or was tampered with',
  );
}

const rightsOf: Readonly<Record<string, string>> = { NoNewPrivs: 'no no_new_privs', Seccomp: 'no seccomp filter' };

const kernelTooNew = 'this criu does not know this kernel: install a newer one, 4.1 or later';

const remedies: readonly { readonly pattern: RegExp; readonly remedy: string }[] = [
  { pattern: /kerndat_vdso|Could not initialize kernel features|vdso: Unexpected/, remedy: kernelTooNew },
  { pattern: /Locking network failed/, remedy: 'install iptables, or give --network-lock nftables' },
  {
    pattern: /[Tt]racking memory is not available|Dirty tracking|mem_track/,
    remedy: 'the kernel must have CONFIG_MEM_SOFT_DIRTY for --pre-dump and --parent-path',
  },
  { pattern: /Connected TCP socket|tcp-established/, remedy: 'give --tcp-established' },
  { pattern: /External socket is used|ext-unix-sk/, remedy: 'give --ext-unix-sk' },
  { pattern: /Some file locks are hold|file-locks/, remedy: 'give --file-locks' },
  { pattern: /can't dump unlinked file|link-remap/, remedy: 'give --link-remap' },
  { pattern: /tty: Found dangling tty|shell-job|task has slave.*tty/i, remedy: 'give --shell-job' },
  {
    pattern: /File fd\/[012] has bad size/,
    remedy: 'standard input, output or error was a file of the host: give krun restore the same file, as it was, opened to append (>>)',
  },
  { pattern: /execvp\("tar"/, remedy: 'install tar' },
];
