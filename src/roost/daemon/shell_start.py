"""How a shell is started so that it marks its prompts and commands, without touching the user's files.

Owns what is changed about a command line and environment, by shell; the scripts lie in `roost/shell`. Refuses what it
does not know how to change, so that nobody waits for marks that will not come.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from roost.daemon.environment import Pairs
from roost.errors import InvalidError

SHELLS = ("bash", "zsh", "fish")
_BASH_WITH_VALUE = (b"-O", b"+O", b"-o", b"+o")
_BASH_RC = (b"--rcfile", b"--init-file")
_BASH_LOGIN = (b"-l", b"--login")


def shell_of(argv: list[bytes]) -> str:
    """Which of the shells a command is, "" for none of them."""
    name = os.fsdecode(os.path.basename(argv[0])).removeprefix("-") if argv else ""
    return name if name in SHELLS else ""


def with_integration(argv: list[bytes], environment: Mapping[bytes, bytes]) -> tuple[list[bytes], Pairs]:
    """The command line that makes the shell integrate itself, and what its environment gets besides.

    `environment`: what the shell would be started with. Raises InvalidError for what is no interactive shell.
    """
    shell = shell_of(argv)
    if not shell:
        shown = os.fsdecode(argv[0]) if argv else "nothing"
        raise InvalidError(f"shell integration is for bash, zsh and fish; {shown} is none of them")
    if shell == "bash":
        return _bash(argv, environment)
    return _zsh(argv, environment) if shell == "zsh" else (_fish(argv), [])


def _bash(argv: list[bytes], environment: Mapping[bytes, bytes]) -> tuple[list[bytes], Pairs]:
    words, login, profile, rc = _read_bash(argv)
    script = _file("roost.bash")
    if not login:
        added: Pairs = [] if rc is None else [(b"ROOST_BASH_RC", rc)]
        return [argv[0], b"--rcfile", script, *words], added
    added = [(b"ROOST_BASH_LOGIN", b"read" if profile else b"skip")]
    return [argv[0], b"--posix", *words], [*added, *_replaced(b"ENV", script, b"ROOST_BASH_ENV", environment)]


def _read_bash(argv: list[bytes]) -> tuple[list[bytes], bool, bool, bytes | None]:
    """The options to pass on, whether it is a login shell that reads its profile, and the file in the place of
    ~/.bashrc: b"" for none."""
    words: list[bytes] = []
    login, profile, rc = False, True, None
    rest = iter(argv[1:])
    for word in rest:
        if word in _BASH_RC:
            rc = next(rest, b"")
        elif word == b"--norc":
            rc = b""
        elif word == b"--noprofile":
            profile = False
        elif word in _BASH_WITH_VALUE:
            words += [word, next(rest, b"")]
        elif not word.startswith((b"-", b"+")) or word in (b"--", b"-") or (b"c" in word and word[:2] != b"--"):
            raise _not_interactive(argv)
        elif word == b"--posix":
            raise InvalidError("bash --posix cannot be integrated; leave --posix or --shell-integration")
        else:
            login = login or word in _BASH_LOGIN or (word[:2] != b"--" and b"l" in word)
            words.append(word)
    long = [word for word in words if word.startswith(b"--")]
    # bash reads long options before short ones only.
    return [*long, *(word for word in words if not word.startswith(b"--"))], login, profile, rc


def _zsh(argv: list[bytes], environment: Mapping[bytes, bytes]) -> tuple[list[bytes], Pairs]:
    for word in argv[1:]:
        if not word.startswith(b"-") or (word[:2] != b"--" and (b"c" in word or b"f" in word)) or word == b"--no-rcs":
            raise _not_interactive(argv)
    return list(argv), _replaced(b"ZDOTDIR", _file("zsh"), b"ROOST_ZDOTDIR", environment)


def _fish(argv: list[bytes]) -> list[bytes]:
    for word in argv[1:]:
        if not word.startswith(b"-") or (word[:2] != b"--" and b"c" in word) or word.startswith(b"--command"):
            raise _not_interactive(argv)
    quoted = _file("roost.fish").replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    return [argv[0], b"--init-command", b"source '" + quoted + b"'", *argv[1:]]


def _replaced(name: bytes, value: bytes, keeper: bytes, environment: Mapping[bytes, bytes]) -> Pairs:
    """A variable with our value, and the user's own under another name. A restarted session has ours already."""
    own = environment.get(keeper if environment.get(name) == value else name)
    return [(name, value)] if own is None else [(name, value), (keeper, own)]


def _not_interactive(argv: list[bytes]) -> InvalidError:
    shown = os.fsdecode(b" ".join(argv))[:80]
    return InvalidError(f"`{shown}` is no interactive shell that reads its startup files: it cannot be integrated")


def _file(name: str) -> bytes:
    from importlib.resources import files  # here: dear, and few sessions are integrated

    return os.fsencode(str(files("roost.shell").joinpath(name)))
