"""Processes of a session by looking at /proc again and again: where the kernel tells nothing.

Owns what was seen at the last look, per session. What began and ended between two looks was missed, and every event
says `sampled`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roost.platform import descendants
from roost.platform.processes import process_table

Identity = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Seen:
    """A difference between two looks: `fork`, `exec` or `exit`."""

    kind: str
    pid: int
    parent: int = 0
    command_line: bytes = b""


class Sampling:
    """The processes of one session as they were at the last look."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._known: dict[int, Identity] = {}
        for pid in pids:
            identity = descendants.identity(pid)
            if identity is not None:
                self._known[pid] = identity

    def look(self) -> Iterator[Seen]:
        """What changed since the last look; parents come before their children."""
        yield from self._ended_and_changed()
        pending = list(self._known)
        below = _Children()
        while pending:
            parent = pending.pop()
            for pid in below.of(parent):
                identity = descendants.identity(pid)
                if pid in self._known or identity is None:
                    continue
                self._known[pid] = identity
                pending.append(pid)
                yield Seen("fork", pid, parent=parent)
                if identity[1] and identity[1] != self._known.get(parent, (0, b""))[1]:
                    yield Seen("exec", pid, command_line=identity[1])

    def _ended_and_changed(self) -> Iterator[Seen]:
        for pid, before in list(self._known.items()):
            now = descendants.identity(pid)
            if now is None or now[0] != before[0] or (not now[1] and descendants.is_zombie(pid)):
                del self._known[pid]
                yield Seen("exit", pid)
            elif now[1] and now[1] != before[1]:
                self._known[pid] = now
                yield Seen("exec", pid, command_line=now[1])


class _Children:
    """Children by parent, during one look; from the whole table where the kernel does not tell them singly."""

    def __init__(self) -> None:
        self._table: dict[int, list[int]] | None = None
        if not descendants.has_children_files():
            self._table = {}
            for process in process_table().values():
                self._table.setdefault(process.ppid, []).append(process.pid)

    def of(self, pid: int) -> list[int]:
        if self._table is not None:
            return self._table.get(pid, [])
        try:
            return descendants.children(pid)
        except OSError:
            return []
