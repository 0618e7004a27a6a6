"""Resource limits: the keeper's own, and those of a child around its start.

Owns what may be set on the keeper while it spawns (and so is inherited exactly) and what would endanger its other
threads at that moment (and so is set on the child right after its start).
"""

from __future__ import annotations

import resource

from roost.errors import InvalidError

#: Safe on the keeper for the moment of a spawn.
_AROUND = {
    "nofile": resource.RLIMIT_NOFILE,
    "core": resource.RLIMIT_CORE,
    "stack": resource.RLIMIT_STACK,
    "nproc": resource.RLIMIT_NPROC,
    "memlock": resource.RLIMIT_MEMLOCK,
}
#: A low value would fail an allocation or a ring write of another thread, or kill the keeper for the time it has used.
_AFTER = {
    "as": resource.RLIMIT_AS,
    "data": resource.RLIMIT_DATA,
    "fsize": resource.RLIMIT_FSIZE,
    "cpu": resource.RLIMIT_CPU,
}


def parse_limit(text: str) -> tuple[str, int]:
    """`nofile=1024` or `core=unlimited` as name and soft limit. Raises InvalidError."""
    name, _, value = text.partition("=")
    if name not in _AROUND and name not in _AFTER:
        raise InvalidError(f"unknown limit '{name}'; known are {', '.join(sorted((*_AROUND, *_AFTER)))}")
    if value == "unlimited":
        return name, resource.RLIM_INFINITY
    if not value.isdecimal() or int(value) >= 1 << 63:
        raise InvalidError(f"limit '{text}' is not of the form {name}=NUMBER or {name}=unlimited")
    return name, int(value)


def raise_open_files() -> int:
    """Raise our soft limit of open files to the hard one; returns what it was, which children get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft


class LimitsAround:
    """The child's soft limits set on the keeper itself, and put back. A context manager.

    A limit above the hard one is cut down to it, as a shell's `ulimit -S` cannot go there either.
    """

    def __init__(self, limits: dict[str, int]) -> None:
        self._limits = {_AROUND[name]: soft for name, soft in limits.items() if name in _AROUND}
        self._saved: list[tuple[int, tuple[int, int]]] = []

    def __enter__(self) -> None:
        for number, soft in self._limits.items():
            saved = resource.getrlimit(number)
            wanted = _within(soft, saved[1])
            if wanted != saved[0]:
                self._saved.append((number, saved))
                resource.setrlimit(number, (wanted, saved[1]))

    def __exit__(self, *_: object) -> None:
        for number, saved in self._saved:
            resource.setrlimit(number, saved)


def set_on_child(pid: int, limits: dict[str, int]) -> None:
    """Set the limits that could not be inherited. Raises OSError for a child that changed its user."""
    for name, soft in limits.items():
        if name in _AFTER:
            hard = resource.prlimit(pid, _AFTER[name])[1]
            resource.prlimit(pid, _AFTER[name], (_within(soft, hard), hard))


def _within(soft: int, hard: int) -> int:
    if hard == resource.RLIM_INFINITY:
        return soft
    return hard if soft == resource.RLIM_INFINITY else min(soft, hard)
