"""The mark that every process of a session bears, whatever it does: a resource limit that nobody uses.

Owns its encoding. The soft RLIMIT_RTTIME is inherited by fork, exec and setsid, is in no environment and needs no
privilege; it counts only for programs under real-time scheduling, and those would have to run without a pause for more
than a hundred thousand years to reach the values used here (docs/decisions/085). Knows nothing of who is marked or why.
Sources: getrlimit(2), proc_pid_limits(5).
"""

from __future__ import annotations

import resource

_LIMIT = resource.RLIMIT_RTTIME
_PREFIX = "s-"
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
#: To the digits that Python has for that base.
_AS_PYTHON = str.maketrans(_DIGITS, "0123456789abcdefghijklmnopqrstuv")
_LENGTH = 10
_BITS = 5 * _LENGTH
#: What tells a mark from a limit that somebody set: the bits above the session's id.
_TAG = 0b1011011010011 << _BITS
_LINE = b"\nMax realtime timeout"


def mark_of(session_id: str) -> int | None:
    """The soft limit that stands for a session; None for ids of another shape, whose processes bear no mark."""
    digits = session_id.removeprefix(_PREFIX)
    if not session_id.startswith(_PREFIX) or len(digits) != _LENGTH or digits.strip(_DIGITS):
        return None
    return _TAG | int(digits.translate(_AS_PYTHON), 32)


def session_of_mark(soft: int) -> str | None:
    """The session that a soft limit stands for; None for an ordinary limit."""
    if soft >> _BITS << _BITS != _TAG:
        return None
    return _PREFIX + "".join(_DIGITS[soft >> 5 * place & 31] for place in reversed(range(_LENGTH)))


class Marking:
    """Makes what is started within it bear a session's mark, by bearing it meanwhile. A context manager.

    Where the hard limit or the kernel does not allow it (by default they all do), nothing is marked.
    """

    def __init__(self, session_id: str) -> None:
        self._mark = mark_of(session_id)
        self._saved: tuple[int, int] | None = None

    def __enter__(self) -> None:
        soft, hard = resource.getrlimit(_LIMIT)
        if self._mark is not None and (hard == resource.RLIM_INFINITY or hard >= self._mark):
            try:
                resource.setrlimit(_LIMIT, (self._mark, hard))
            except (OSError, ValueError):
                return  # a sandbox: the other ways to know a session's processes remain
            self._saved = (soft, hard)

    def __exit__(self, *_: object) -> None:
        if self._saved is not None:
            resource.setrlimit(_LIMIT, self._saved)


def shed_mark() -> None:
    """Stop bearing a mark: keeper and daemon belong to no session, also when they were started from inside one."""
    soft, hard = resource.getrlimit(_LIMIT)
    if session_of_mark(soft) is not None:
        resource.setrlimit(_LIMIT, (hard, hard))


def marked_session(pid: int) -> str | None:
    """The session whose mark a process bears; None for none, and for a process that is gone."""
    try:
        return session_of_mark(resource.prlimit(pid, _LIMIT)[0])
    except PermissionError:  # of another user, perhaps by a set-user-id program: its limits can be read all the same
        return _marked_elsewhere(pid)
    except (OSError, ValueError):
        return None


def _marked_elsewhere(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            soft = file.read().partition(_LINE)[2].split(maxsplit=1)[0]
    except (OSError, IndexError):
        return None
    return session_of_mark(int(soft)) if soft.isdigit() else None
