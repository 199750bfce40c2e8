// The scripts that teach a shell to ask krun. Each asks `krun completion -- WORDS…`, which answers a line per candidate, the word and
// after a tab its help, or ":files" and ":directories" where a path may stand.
export const completionScripts = {
  bash: `# source <(krun completion bash)
_krun() {
  local answer line cur=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  mapfile -t answer < <("\${COMP_WORDS[0]}" completion -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "\${answer[@]}"; do
    case $line in
      :files) compopt -o default ;;
      :directories) compopt -o dirnames ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done
  [ "\${#COMPREPLY[@]}" != 1 ] || [[ \${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -F _krun krun
`,
  zsh: `#compdef krun
# source <(krun completion zsh), or as _krun in a directory of $fpath
_krun() {
  local line
  local -a candidates paths
  for line in "\${(@f)$("$words[1]" completion -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      ('') ;;
      (:files) paths=(_files) ;;
      (:directories) paths=(_files -/) ;;
      (*) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#candidates )) && _describe krun candidates
  (( $#paths )) && $paths
}
if [ "$funcstack[1]" = _krun ]; then _krun "$@"; else compdef _krun krun; fi
`,
  fish: `# krun completion fish | source
function __krun_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] completion -- $words[2..-1] 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path (commandline -ct)
      case :directories
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c krun -f -a '(__krun_complete)'
`,
} as const;
