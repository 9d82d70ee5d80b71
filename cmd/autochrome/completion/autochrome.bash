# Completion of autochrome for bash.
_autochrome() {
    local mode word
    COMPREPLY=()
    {
        read -r mode
        # The words are quoted already.
        while IFS= read -r word; do COMPREPLY+=("$word"); done
    } < <("${COMP_WORDS[0]/#\~/$HOME}" __complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    case $mode in
    :files) compopt -o default 2>/dev/null ;;
    :folders) compopt -o dirnames 2>/dev/null ;;
    *) compopt -o nosort 2>/dev/null ;;
    esac
}
complete -F _autochrome autochrome
