"""The tree below a process: who belongs to it, and how it is drawn.

Pure: the process table and the command lines are handed in. The walk uses no recursion: a tree may be deeper than the
interpreter's stack.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from roost.core.shown import printable
from roost.platform.processes import Process

#: An answer must stay well under 4 MiB.
MAX_LINES = 5000
_MAX_COMMAND = 400

Table = Mapping[int, Process]


@dataclass(frozen=True, slots=True)
class Node:
    """A process in its tree; `branches` says of each level above whether it goes on below this line."""

    process: Process
    branches: tuple[bool, ...]

    @property
    def depth(self) -> int:
        """0 for the root."""
        return len(self.branches)


def children_by_parent(table: Table) -> dict[int, list[Process]]:
    """The children of each process, in the order of their start."""
    children: dict[int, list[Process]] = {}
    for process in sorted(table.values(), key=lambda p: (p.start_ticks, p.pid)):
        if process.pid != process.ppid:
            children.setdefault(process.ppid, []).append(process)
    return children


def walk(root: Process, table: Table, spare: Collection[int] = ()) -> Iterator[Node]:
    """The root and everything below it, parents before children; does not enter the pids to spare."""
    children = children_by_parent(table)
    pending = [Node(root, ())]
    while pending:
        node = pending.pop()
        if node.process.pid in spare:
            continue
        yield node
        below = children.get(node.process.pid, [])
        for at in range(len(below) - 1, -1, -1):
            pending.append(Node(below[at], (*node.branches, at < len(below) - 1)))


def draw(pid: int, table: Table, argv_of: Callable[[int], list[str]]) -> str:
    """The tree of a pid as lines of text; of a pid that nobody has, the sentence that says so."""
    root = table.get(pid)
    if root is None:
        return f"Process {pid} not found"
    lines: list[str] = []
    for node in walk(root, table):
        if len(lines) == MAX_LINES:
            lines.append(f"… (more than {MAX_LINES} processes)")
            break
        lines.append(_indent(node.branches) + describe(node.process, argv_of(node.process.pid)))
    return "\n".join(lines)


def describe(process: Process, argv: list[str]) -> str:
    """One process: name, pid, argv; what could move a terminal's cursor is not let through."""
    command = " ".join(argv) if process.state not in "ZX" else "<defunct>"
    if len(command) > _MAX_COMMAND:
        command = f"{command[:_MAX_COMMAND]}…"
    text = f"{process.name} (pid={process.pid}) {command}".rstrip()
    return printable(text)


def _indent(branches: tuple[bool, ...]) -> str:
    if not branches:
        return ""
    above = "".join("│   " if goes_on else "    " for goes_on in branches[:-1])
    return above + ("├── " if branches[-1] else "└── ")


def roots(pids: list[int], table: Table) -> list[int]:
    """Those of the pids that are there and not below another of them, in the same order."""
    wanted = set(pids)
    found: list[int] = []
    for pid in dict.fromkeys(pids):
        if pid in table and not any(ancestor in wanted for ancestor in _ancestors(pid, table)):
            found.append(pid)
    return found


def _ancestors(pid: int, table: Table) -> Iterator[int]:
    seen = {pid}
    while (process := table.get(pid)) is not None and process.ppid not in seen:
        pid = process.ppid
        seen.add(pid)
        yield pid
