"""What a failure looks like at the command line: one line on stderr and an exit code, never a traceback.

Owns the exit codes. They are part of the interface (docs/cli.md): scripts depend on them.
"""

from __future__ import annotations

import errno
import os
import sys

from roost.core.outcome import shell_code, split_code
from roost.errors import RoostError

OK = 0
ERROR = 1
USAGE = 2
NOT_FOUND = 3
NOT_RUNNING = 4
UNREACHABLE = 6
TIMED_OUT = 11
INTERRUPTED = 130

#: A write tells no name. Source: write(2).
_OF_WRITING = frozenset({errno.ENOSPC, errno.EBADF, errno.EDQUOT, errno.EFBIG})

_BY_KIND = {
    "not_found": NOT_FOUND,
    "ambiguous": NOT_FOUND,
    "wrong_state": NOT_RUNNING,
    "unavailable": UNREACHABLE,
    "timeout": TIMED_OUT,
}


def exit_code(error: RoostError) -> int:
    """The exit code for an error, by its kind."""
    return _BY_KIND.get(error.kind, ERROR)


def child_exit_code(code: int | None, signal_number: int | None) -> int:
    """A child's end as a shell tells it: its code, 128 + n for signal n, 1 when it is not known."""
    if not signal_number:
        code, signal_number = split_code(code)
    told = shell_code(code, signal_number)
    return ERROR if told is None else told


def say(message: str) -> None:
    """Writes one line for people to stderr; that nobody reads there is no failure."""
    line = f"roost: {message}\n".encode(errors="backslashreplace")
    try:
        os.write(2, line)
    except OSError:
        pass


def report(error: BaseException) -> int:
    """Says what went wrong and returns the exit code; with ROOST_DEBUG set the traceback is shown too."""
    if os.environ.get("ROOST_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, RoostError):
        say(error.message)
        return exit_code(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _forget_stdout()
        return ERROR
    if isinstance(error, OSError):
        say(_in_words(error))
        _forget_stdout()
        return ERROR
    say(f"internal error: {type(error).__name__}: {error}; run again with ROOST_DEBUG=1 to see where")
    return ERROR


def _in_words(error: OSError) -> str:
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    if error.errno in _OF_WRITING:
        return f"the output cannot be written: {error.strerror}; look at where it goes"
    return str(error)


def _forget_stdout() -> None:
    # Python flushes stdout once more at its end; without a reader, or room, that would print a complaint of its own.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.__stdout__.fileno() if sys.__stdout__ else 1)
    os.close(null)
