"""Killing a process and everything below it: freeze, collect, KILL, and again until nothing is left.

Owns the rule of the sweep. Blocking (it reads /proc): sweeps run in a thread, the waiting between them is the caller's.
Every signal goes through a pidfd to a process whose start time was compared, never to a bare pid.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection

from roost.daemon.process_tree import walk
from roost.platform.processes import Process, process_table, send_signal

#: The pause between two sweeps.
REPEAT_S = 0.025
#: How often one sweep looks for processes that were forked while it froze the others.
_FREEZE_ROUNDS = 16

Key = tuple[int, int]


def key(process: Process) -> Key:
    """What makes a process this one and no other (within one boot)."""
    return process.pid, process.start_ticks


class TreeKill:
    """One tree being killed. `killed` holds the processes that a KILL has reached."""

    def __init__(
        self,
        root: Process,
        spare: Collection[int],
        *,
        read_table: Callable[[], dict[int, Process]] = process_table,
        send: Callable[[Process, int], bool] = send_signal,
    ) -> None:
        """`spare`: pids that are neither killed nor looked below (the daemon, the keeper)."""
        self._spare = frozenset(spare)
        self._read_table = read_table
        self._send = send
        self._known: set[Key] = {key(root)}
        self.killed: set[Key] = set()

    def sweep(self) -> bool:
        """Kill what is there of the tree now; False when nothing was."""
        found = self._freeze()
        for process in found:
            if self._send(process, signal.SIGKILL):
                self.killed.add(key(process))
        return bool(found)

    def _freeze(self) -> list[Process]:
        """The tree's live processes, standing still: what is stopped cannot fork away between two looks."""
        frozen: set[Key] = set()
        for _ in range(_FREEZE_ROUNDS):
            found = self._collect()
            new = [process for process in found if key(process) not in frozen]
            if not new:
                break
            for process in new:
                frozen.add(key(process))
                self._send(process, signal.SIGSTOP)
        return found

    def _collect(self) -> list[Process]:
        """Everything live that is known to belong to the tree, or is below something that does."""
        table = self._read_table()
        seeds = [process for process in table.values() if key(process) in self._known]
        found: dict[Key, Process] = {}
        for seed in seeds:
            if key(seed) not in found:
                found |= {key(node.process): node.process for node in walk(seed, table, self._spare)}
        self._known |= found.keys()
        return [process for process in found.values() if process.state not in "ZX"]
