# roost's shell integration for fish: marks prompts, commands, exit codes and the directory (OSC 133, 633;E and 7).
# Run by --init-command, behind the user's configuration. From version 4 on fish marks all of this by itself.

if status is-interactive; and not set -q __roost_hooked; and test (string split . -- $version)[1] -lt 4
    set -g __roost_hooked 1

    function __roost_cwd --on-variable PWD
        printf '\e]7;file://%s%s\a' (hostname) (string escape --style=url -- $PWD)
    end

    function __roost_prompt --on-event fish_prompt
        printf '\e]133;A\a'
    end

    function __roost_preexec --on-event fish_preexec
        set -l line (string sub --length 240 -- "$argv[1]")
        test (string length -- "$argv[1]") -gt 240; and set line "$line…"
        set line (string replace --all -- '\\' '\\\\' "$line" | string replace --all -- ';' '\x3b' | string replace --all -- \e '\x1b' | string join '\x0a')
        printf '\e]633;E;%s\a\e]133;C\a' "$line"
    end

    function __roost_postexec --on-event fish_postexec
        printf '\e]133;D;%s\a' $status
    end

    functions --copy fish_prompt __roost_user_prompt
    function fish_prompt
        __roost_user_prompt
        printf '\e]133;B\a'
    end
    __roost_cwd
end
