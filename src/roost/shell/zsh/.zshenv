# roost's shell integration for zsh: marks prompts, commands, exit codes and the directory (OSC 133, 633;E and 7).
# zsh finds it because ZDOTDIR was pointed here. That is put back at once, so that the user's files are read as ever,
# .zshenv by this one, the others by zsh itself. Nothing of it is passed on to programs and nested shells.

if [[ -n "${ROOST_ZDOTDIR+set}" ]]; then
    export ZDOTDIR=$ROOST_ZDOTDIR
    unset ROOST_ZDOTDIR
else
    unset ZDOTDIR
fi
[[ -r ${ZDOTDIR-$HOME}/.zshenv ]] && builtin source -- "${ZDOTDIR-$HOME}/.zshenv"

if [[ -o interactive && -z ${__roost_hooked-} ]]; then
    typeset -g __roost_hooked=1 __roost_ran=0

    __roost_before() {
        local code=$? dir= i c
        emulate -L zsh -o no_multibyte
        if (( __roost_ran )); then
            __roost_ran=0
            builtin printf '\e]133;D;%s\a' "$code"
        fi
        for (( i = 1; i <= ${#PWD}; i++ )); do
            c=${PWD[i]}
            [[ $c == [A-Za-z0-9/_.~-] ]] || builtin printf -v c '%%%02X' "'$c"
            dir+=$c
        done
        builtin printf '\e]7;file://%s%s\a' "$HOST" "$dir"
        builtin printf '\e]133;A\a'
        [[ $PS1 == *'133;B'* ]] || PS1+=$'%{\e]133;B\a%}'
        return code
    }

    __roost_preexec() {
        emulate -L zsh
        local line=$1
        __roost_ran=1
        (( ${#line} > 240 )) && line="${line[1,239]}…"
        line=${line//\\/\\\\}
        line=${line//;/\\x3b}
        line=${line//$'\n'/\\x0a}
        line=${line//$'\e'/\\x1b}
        builtin printf '\e]633;E;%s\a\e]133;C\a' "$line"
    }

    # Once everything else is set up: to be the last of the hooks, behind what makes the prompt.
    __roost_start() {
        precmd_functions=(${precmd_functions:#__roost_start} __roost_before)
        preexec_functions+=(__roost_preexec)
        __roost_before
    }
    typeset -ga precmd_functions preexec_functions
    precmd_functions+=(__roost_start)
fi
