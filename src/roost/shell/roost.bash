# roost's shell integration for bash: marks prompts, commands, exit codes and the directory (OSC 133, 633;E and 7).
# Read in the place of the user's startup files, which it reads first; or, for login shells, as $ENV in POSIX mode,
# the one way to read a file before anything else. Nothing of it is passed on to programs and nested shells.

if [[ -n "${ROOST_BASH_LOGIN-}" ]]; then
    set +o posix
    if [[ -n "${ROOST_BASH_ENV+set}" ]]; then export ENV=$ROOST_BASH_ENV; else unset ENV; fi
    __roost_profile=$ROOST_BASH_LOGIN
    unset ROOST_BASH_LOGIN ROOST_BASH_ENV
    if [[ $__roost_profile == read ]]; then
        [[ -r /etc/profile ]] && . /etc/profile
        for __roost_file in ~/.bash_profile ~/.bash_login ~/.profile; do
            if [[ -r $__roost_file ]]; then . "$__roost_file"; break; fi
        done
        unset __roost_file
    fi
    unset __roost_profile
else
    __roost_rc=${ROOST_BASH_RC-~/.bashrc}
    unset ROOST_BASH_RC
    [[ -n $__roost_rc && -r $__roost_rc ]] && . "$__roost_rc"
    unset __roost_rc
fi

if [[ $- == *i* && -z ${__roost_hooked-} ]]; then
    __roost_hooked=1
    __roost_ran=0
    __roost_number=

    # The command line just read, if it went into the history: otherwise the last one there is another.
    __roost_tell() {
        local line number
        line=$(HISTTIMEFORMAT='' builtin history 1)
        read -r number line <<<"$line"
        if [[ $number != "$__roost_number" ]]; then
            (( ${#line} > 240 )) && line=${line:0:239}…
            line=${line//\\/\\\\}
            line=${line//;/\\x3b}
            line=${line//$'\n'/\\x0a}
            line=${line//$'\e'/\\x1b}
            builtin printf '\e]633;E;%s\a' "$line"
        fi
        builtin printf '\e]133;C\a'
    }

    __roost_cwd() {
        local LC_ALL=C path= i c n
        if [[ $PWD == *[!A-Za-z0-9/_.~-]* ]]; then
            for (( i = 0; i < ${#PWD}; i++ )); do
                c=${PWD:i:1}
                if [[ $c != [A-Za-z0-9/_.~-] ]]; then
                    builtin printf -v n '%d' "'$c"
                    builtin printf -v c '%%%02X' "$(( n & 255 ))"
                fi
                path+=$c
            done
        else
            path=$PWD
        fi
        builtin printf '\e]7;file://%s%s\a' "$HOSTNAME" "$path"
    }

    # First of the prompt's commands: it sees the exit code.
    __roost_before() {
        local code=$? line
        if (( __roost_ran )); then
            __roost_ran=0
            builtin printf '\e]133;D;%s\a' "$code"
        fi
        __roost_cwd
        builtin printf '\e]133;A\a'
        return "$code"
    }

    # Last of them: what the prompt looks like is settled, and which number the history has.
    __roost_after() {
        local code=$? line
        [[ $PS1 == *'133;B'* ]] || PS1+='\[\e]133;B\a\]'
        [[ ${PS0-} == *__roost_tell* ]] || PS0='${__roost_none[__roost_ran=1]}$(__roost_tell)'${PS0-}
        line=$(HISTTIMEFORMAT='' builtin history 1)
        read -r __roost_number line <<<"$line"
        return "$code"
    }

    if (( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501 )); then
        PROMPT_COMMAND=(__roost_before "${PROMPT_COMMAND[@]}" __roost_after)
    else
        PROMPT_COMMAND="__roost_before${PROMPT_COMMAND:+; $PROMPT_COMMAND}; __roost_after"
    fi
fi
