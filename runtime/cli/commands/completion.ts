import type { Caller } from '../../container/caller.ts';
import { listIds, readContainer } from '../../container/stored-state.ts';
import { exit, print } from '../../plan/print.ts';
import { type Candidate, completeLine } from '../complete.ts';
import { completionScripts } from '../completion-scripts.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';
import { parse, usageError } from '../parse.ts';

/** The script to source in a shell; with `--` the words of a line to complete, which is what the script asks for. */
export const completion: CommandHandler = (caller, { positionals, program }) => {
  if (program !== null) return [print(1, complete(caller, program)), exit(0)];
  const shell = positionals[0] ?? 'bash';
  const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell as keyof typeof completionScripts] : undefined;
  if (script === undefined)
    throw usageError(`no completion for "${shell}"`, `there is one for ${Object.keys(completionScripts).join(', ')}`);
  return [print(1, script), exit(0)];
};

function complete(caller: Caller, words: readonly string[]): string {
  const { candidates, paths } = completeLine(words, () => containers(caller, words));
  const lines = candidates.map(({ word, help }) => (help === '' ? word : `${word}\t${help}`));
  return [...lines, ...(paths === null ? [] : [`:${paths}`])].map((line) => `${line}\n`).join('');
}

// Those below the --root that the line names. What cannot be read is not offered.
function containers(caller: Caller, words: readonly string[]): readonly Candidate[] {
  try {
    const { root } = globalOptions(caller, parse(words.slice(0, -1)));
    return listIds(root).map((word) => ({ word, help: statusOf(root, word) }));
  } catch {
    return [];
  }
}

function statusOf(root: string, id: string): string {
  try {
    return readContainer(root, id).status;
  } catch {
    return '';
  }
}
