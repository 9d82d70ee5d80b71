# Completion of autochrome for bash.
_autochrome() {
    local mode value
    COMPREPLY=()
    {
        read -r mode
        while IFS=$'\t' read -r value _; do
            [[ $value == *[[:space:]\'\"\\\$\&\;\|\<\>\(\)\*\?]* ]] && printf -v value %q "$value"
            COMPREPLY+=("$value")
        done
    } < <("${COMP_WORDS[0]/#\~/$HOME}" __complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    case $mode in
    :files) compopt -o default 2>/dev/null ;;
    :folders) compopt -o dirnames 2>/dev/null ;;
    *) compopt -o nosort 2>/dev/null ;;
    esac
}
complete -F _autochrome autochrome
