import type { CommandHandler } from '../handle.ts';
import { usageError } from '../parse.ts';
import { exit, print } from '../report.ts';
import { completeWords } from '../yargs.ts';

/** The script to source in a shell; with `--` the words of a line to complete, which is what the script asks for. */
export const completion: CommandHandler = async (_caller, { positionals, program }) => {
  if (program !== null) return [...print(1, (await completeWords(program)).map((word) => `${word}\n`).join('')), exit(0)];
  const shell = positionals[0] ?? 'bash';
  const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
  if (script === undefined) throw usageError(`no completion for "${shell}"`, `there is one for ${Object.keys(scripts).join(' and ')}`);
  return [...print(1, script), exit(0)];
};

const scripts = {
  bash: `# source <(krun completion bash)
_krun() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(krun completion -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _krun krun
`,
  zsh: `# source <(krun completion zsh)
_krun() {
  local -a words_of_krun
  words_of_krun=("\${(@f)$(krun completion -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  _describe krun words_of_krun || _files
}
compdef _krun krun
`,
};
