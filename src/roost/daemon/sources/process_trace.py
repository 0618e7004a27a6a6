"""Process events of one session by ptrace (`--exact`): the helper's lines made into observations.

Owns the helper process and the thread that reads it. Whatever becomes of the helper, the session's processes run on.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from roost import version
from roost.daemon.sources.argv import ending, split_argv
from roost.daemon.sources.delivery import Delivery, Observation, gap
from roost.daemon.sources.process import members_now
from roost.daemon.sources.target import Target
from roost.daemon.sources.tracer import SYNC
from roost.daemon.sources.worker import HasFileno, Worker
from roost.platform.descendants import is_zombie

PTRACE = "ptrace"
_START = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from roost.daemon.sources.tracer import main; sys.exit(main())"
_READ_BYTES = 1 << 16
_END_WITHIN_S = 5.0


class TracerEndedError(Exception):
    """The helper was refused, or ended before its time."""


class ProcessTrace(Worker):
    """One session's thread. Ends by `on_crash` with TracerEndedError when ptrace is not possible."""

    def __init__(
        self,
        target: Target,
        delivery: Delivery,
        exclude: Collection[int],
        on_crash: Callable[[Exception], None],
        ready: Callable[[], None],
    ) -> None:
        super().__init__("ptrace events", on_crash)
        self._target = target
        self._delivery = delivery
        self._exclude = exclude
        self._ready = ready
        self._rest = b""
        self._settling: list[Callable[[], None]] = []
        self._leader_ended = False
        self._helper: subprocess.Popen[bytes] | None = None
        self._socket, self._far = socket.socketpair()
        self._socket.setblocking(False)
        self._offset = time.time() - time.monotonic()
        self.ask(self._begin)

    # --- any thread -------------------------------------------------------------------------------------------------

    def settle(self, call: Callable[[], None]) -> None:
        """Have a call made on the loop once all that was told up to now was emitted, the leader's exit too."""
        self.ask(lambda: self._settle(call))

    # --- the thread -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        pids = members_now(self._target, {*self._exclude})
        leader_first = sorted(pids, key=lambda pid: pid != self._target.leader) or [self._target.leader]
        root = os.path.dirname(os.path.dirname(os.path.abspath(version.__file__)))
        nothing: dict[str, str] = {}  # not even ROOST_SESSION: the helper belongs to no session
        self._helper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, root, *map(str, leader_first)],
            stdin=self._far.fileno(),
            stdout=subprocess.DEVNULL,
            env=nothing,
            start_new_session=True,
        )
        self._far.close()

    def sources(self) -> Iterable[HasFileno]:
        return (self._socket,) if self._helper is not None else ()

    def turn(self) -> None:
        self._read()

    def shut(self) -> None:
        self._socket.close()
        self._far.close()
        if self._helper is not None:
            self._helper.kill()
            self._helper.wait()

    def _read(self) -> None:
        while self._helper is not None:
            try:
                data = self._socket.recv(_READ_BYTES)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            if not data:
                self._ended(self._helper)
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._line(json.loads(line))

    def _settle(self, call: Callable[[], None]) -> None:
        self._settling.append(call)
        if self._helper is None or self._leader_ended:
            self._read()
            self._settled()
        elif not is_zombie(self._target.leader):
            with contextlib.suppress(OSError):
                self._socket.send(SYNC)
        # else its exit is on the way: the helper saw it before anybody else could

    def _settled(self) -> None:
        calls, self._settling = self._settling, []
        for call in calls:
            self._delivery.after(self._target.session_id, call)

    def _ended(self, helper: subprocess.Popen[bytes]) -> None:
        """The helper is gone: nobody was left to be followed, or it was killed."""
        if helper.wait(_END_WITHIN_S) != 0:
            raise TracerEndedError("the tracer was ended")
        self._helper = None
        self._settled()
        self.stop()

    def _line(self, line: dict[str, Any]) -> None:
        kind = line["kind"]
        if kind == "ready":
            self._ready()
        elif kind == "synced":
            self._settled()
        elif kind == "refused":
            raise TracerEndedError(line["error"])
        elif kind == "gap":
            missed = line["missed"]
            self._delivery.put(gap(self._target.session_id, "process", PTRACE, "queue_full", missed=missed))
        else:
            at = self._offset + line["at_ns"] / 1e9
            seen = Observation(self._target.session_id, "process", kind, _data(line), "exact", PTRACE, at)
            self._delivery.put(seen)
            if kind == "exit" and line["pid"] == self._target.leader:
                self._leader_ended = True
                self._settled()


def _data(line: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"pid": line["pid"]}
    if line["kind"] == "fork":
        data["parent_pid"] = line["parent"]
    elif line["kind"] == "exec":
        raw = line["argv"]
        data["argv"] = None if raw is None else split_argv(raw.encode("latin-1"))
    else:
        data |= ending(line["status"])
    return data
