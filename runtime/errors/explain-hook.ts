// Why a hook failed: which, how long it took, and its last words.
import { errnoName } from './errno.ts';
import { type Explainer, explained, lookUp, quote, reason } from './failure.ts';

/** hook and openHook. */
export const explainHook: Explainer = (report, { config }) => {
  const [, , stage = '', index = ''] = report.pointer.split('/');
  const hook = (lookUp(config, report.pointer) ?? {}) as { readonly args?: readonly string[] };
  const words = Array.isArray(hook.args) && hook.args.length > 1 ? ` ${hook.args.slice(1).map(quote).join(' ')}` : '';
  const name = `${stage} hook #${index} (${quote(report.path)}${words})`;
  const parts = /^(status|signal|timeout)=(\d+) milliseconds=(\d+) output=([\s\S]*)$/.exec(report.detail);
  if (parts === null)
    return explained(report, 'E_HOOK', reason({ ...report, path: '' }, `${name} cannot be run`), hints[errnoName(report.errno)]);
  const [, how = '', number = '', milliseconds = '', output = ''] = parts;
  const last = output.trim();
  const said = last === '' ? 'it printed nothing' : last.replaceAll('\n', '; ');
  return explained({ ...report, syscall: '', errno: 0 }, 'E_HOOK', `${name} ${ends(how, number)} after ${milliseconds} ms: ${said}`);
};

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'is there such a file, and does its interpreter exist?',
  EACCES: 'is it executable?',
};

function ends(how: string, number: string): string {
  if (how === 'timeout') return `ran past specified timeout of ${number}s and was killed`;
  return how === 'signal' ? `was killed by signal ${number}` : `failed with exit status ${number}`;
}
