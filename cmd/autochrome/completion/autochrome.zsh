#compdef autochrome
# Completion of autochrome for zsh.
_autochrome() {
    local mode
    local -a lines
    lines=("${(@f)$(${(Q)words[1]} __complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    mode=$lines[1]
    shift lines
    case $mode in
    :files) _files ;;
    :folders) _files -/ ;;
    *) (( $#lines )) && _describe -V autochrome lines ;;
    esac
}
if [[ $funcstack[1] == _autochrome ]]; then
    _autochrome "$@"
else
    compdef _autochrome autochrome
fi
