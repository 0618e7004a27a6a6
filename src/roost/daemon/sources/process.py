"""Forks, execs and exits of the sessions' processes, by the kernel's process connector or by sampling /proc.

Owns one thread for the whole daemon and who belongs to which session. It runs while somebody wants process events
of some session, or needs to know the processes of one (attribution of file events, sockets).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from roost.daemon.sources.argv import ending, read_argv, split_argv
from roost.daemon.sources.delivery import Delivery, Observation, gap
from roost.daemon.sources.family import OURSELVES, Family, Owner
from roost.daemon.sources.process_sampling import Sampling, Seen
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import HasFileno, Worker
from roost.platform.proc_connector import ProcConnector, ProcessNotice, QueueOverflowError, open_connector
from roost.platform.processes import members, process_table

log = logging.getLogger(__name__)

CONNECTOR, SAMPLING = "proc-connector", "proc-sampling"
#: Notices taken from the kernel before anything else is looked at.
_BATCH = 512
#: Between two looks at /proc; more when a look takes long, so that sampling costs a tenth of one processor at most.
_LOOK_EVERY_S = 0.01
_LOOK_SHARE = 10

#: The reason for following that makes process events; others only want to know who belongs to the session.
TELL = "tell"


@dataclass(slots=True)
class _Followed:
    target: Target
    reasons: set[str] = field(default_factory=set)
    sampling: Sampling | None = None


class ProcessWatch(Worker):
    """The thread. Requests come from the loop; `owner_of` and `pids` may be asked in any thread."""

    def __init__(
        self,
        delivery: Delivery,
        keeper_pid: int,
        exclude: Collection[int],
        on_crash: Callable[[Exception], None],
        *,
        open_backend: Callable[[], ProcConnector] = open_connector,
    ) -> None:
        super().__init__("process events", on_crash)
        self._delivery = delivery
        self._exclude = {*exclude, keeper_pid}
        self._lock = threading.RLock()
        self._family = Family(keeper_pid, {*exclude} - {keeper_pid})
        self._followed: dict[str, _Followed] = {}
        self._clock_offset = 0.0
        self._next_look = 0.0
        self._connector: ProcConnector | None = None
        self.refused = ""
        try:
            self._connector = open_backend()  # at once: what is spawned next must be seen from its first moment
        except OSError as error:
            self.refused = error.strerror or str(error)
            log.info("no process connector (%s): sampling /proc", self.refused)

    @property
    def name(self) -> str:
        """Which mechanism is at work."""
        return CONNECTOR if self._connector is not None else SAMPLING

    # --- any thread -------------------------------------------------------------------------------------------------

    def follow(self, target: Target, reason: str, done: Callable[[], None]) -> None:
        """Follow a session's processes; `done` is called in the thread once they are known."""
        self.ask(lambda: self._follow(target, reason, done))

    def leave(self, session_id: str, reason: str) -> None:
        """Follow them for that reason no more."""
        self.ask(lambda: self._leave(session_id, reason))

    def disown(self, leader: int) -> None:
        """Nobody wants to know of the session with that leader."""
        self.ask(lambda: self._family.disown(leader))

    def settle(self, session_id: str, call: Callable[[], None]) -> None:
        """Have a call made on the loop once all that happened up to now was emitted."""

        def pump_then_call() -> None:
            self.pump()
            self._delivery.after(session_id, call)

        self.ask(pump_then_call)

    def owner_of(self, pid: int) -> str | None:
        """The session of a process, or of one that ended shortly ago; OURSELVES of the daemon and its descendants."""
        with self._lock:
            owner = self._family.owner(pid)
        return owner if isinstance(owner, str) else None

    def pids(self, session_id: str) -> list[int]:
        """The processes of a session that is followed."""
        with self._lock:
            return self._family.pids(session_id)

    def pump(self) -> None:
        """Take in what the kernel has told up to now."""
        with self._lock:
            if self._connector is not None:
                self._take_notices(self._connector)
            else:
                self._look()

    # --- the thread -------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[HasFileno]:
        return () if self._connector is None else (self._connector,)

    def timeout_s(self) -> float | None:
        if self._connector is not None or not self._followed:
            return None
        return max(0.0, self._next_look - time.monotonic())

    def turn(self) -> None:
        if self._connector is not None or time.monotonic() >= self._next_look:
            self.pump()

    def shut(self) -> None:
        with self._lock:
            if self._connector is not None:
                self._connector.close()
                self._connector = None

    def _follow(self, target: Target, reason: str, done: Callable[[], None]) -> None:
        with self._lock:
            self.pump()  # an unclaimed leader's deeds come before its claim
            known = self._followed.get(target.session_id)
            if known is None:
                known = self._followed[target.session_id] = _Followed(target)
            if reason == TELL:
                known.reasons.add(reason)
            self._join(known)
            known.reasons.add(reason)
        done()

    def _join(self, known: _Followed) -> None:
        target = known.target
        pids = members_now(target, self._exclude)
        kept = self._family.join(target.session_id, target.leader, pids)
        for notice, argv in kept.notices:
            self._tell(target.session_id, notice, argv)
        if kept.missed and TELL in known.reasons:
            self._delivery.put(gap(target.session_id, "process", self.name, "before_the_start", missed=kept.missed))
        if self._connector is None and known.sampling is None:
            known.sampling = Sampling(pids)

    def _leave(self, session_id: str, reason: str) -> None:
        with self._lock:
            known = self._followed.get(session_id)
            if known is not None:
                known.reasons.discard(reason)
                if not known.reasons:
                    del self._followed[session_id]
                    self._family.leave(session_id)

    # --- the connector ----------------------------------------------------------------------------------------------

    def _take_notices(self, connector: ProcConnector) -> None:
        self._clock_offset = time.time() - time.monotonic()
        while True:
            try:
                batch = connector.read(_BATCH)
            except QueueOverflowError:
                self._overflowed()
                continue
            self._handle(batch)
            if len(batch) < _BATCH:
                return

    def _handle(self, batch: list[ProcessNotice]) -> None:
        """Sort a batch into the family; command lines are read at once, the events are told at the end."""
        seen: list[tuple[Owner, ProcessNotice]] = []
        argvs: dict[int, list[str] | None] = {}  # by place in `seen`
        read: dict[int, tuple[int, int]] = {}  # of a pid: the place of its last exec, when its command line was read
        for notice in batch:
            owner = self._sort(notice)
            if owner is None or owner == OURSELVES:
                continue
            if notice.kind == "exec":
                place, at_ns = read.get(notice.pid, (-1, 0))
                if at_ns > notice.at_ns:
                    argvs[place] = None  # it was read after this exec: it is not that one's
                argvs[len(seen)] = read_argv(notice.pid)
                read[notice.pid] = (len(seen), time.monotonic_ns())
            seen.append((owner, notice))
        for place, (owner, notice) in enumerate(seen):
            if isinstance(owner, int):
                self._family.keep_aside(owner, notice, argvs.get(place))
            else:
                self._tell(owner, notice, argvs.get(place))

    def _sort(self, notice: ProcessNotice) -> Owner | None:
        if notice.kind == "fork":
            owner = self._family.fork(notice.parent, notice.pid)
            return None if owner == notice.pid else owner  # an unclaimed leader's birth is the session's start
        if notice.kind == "exit":
            return self._family.exit(notice.pid)
        return self._family.current_owner(notice.pid)

    def _tell(self, session_id: str, notice: ProcessNotice, argv: list[str] | None) -> None:
        data: dict[str, Any] = {"pid": notice.pid}
        if notice.kind == "fork":
            data["parent_pid"] = notice.parent
        elif notice.kind == "exec":
            data["argv"] = argv
        else:
            data |= ending(notice.status)
        self._put(session_id, notice.kind, data, "exact", self._clock_offset + notice.at_ns / 1e9)

    def _put(self, session_id: str, type: str, data: dict[str, Any], grade: str, at: float) -> None:
        known = self._followed.get(session_id)
        if known is not None and TELL in known.reasons:
            self._delivery.put(Observation(session_id, "process", type, data, grade, self.name, at))

    def _overflowed(self) -> None:
        """Notices were lost: say so, and look who is there now."""
        for known in list(self._followed.values()):
            if TELL in known.reasons:
                self._delivery.put(gap(known.target.session_id, "process", self.name, "kernel_queue_overflow"))
            self._family.leave(known.target.session_id)
            self._join(known)

    # --- sampling ---------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        began = time.monotonic()
        for session_id, known in list(self._followed.items()):
            if known.sampling is not None:
                for seen in known.sampling.look():
                    self._saw(session_id, seen)
        took = time.monotonic() - began
        self._next_look = began + took + max(_LOOK_EVERY_S, took * _LOOK_SHARE)

    def _saw(self, session_id: str, seen: Seen) -> None:
        data: dict[str, Any] = {"pid": seen.pid}
        if seen.kind == "fork":
            self._family.join(session_id, 0, [seen.pid])
            data["parent_pid"] = seen.parent
        elif seen.kind == "exec":
            data["argv"] = split_argv(seen.command_line)
        else:
            self._family.exit(seen.pid)
            data |= {"code": None, "signal": None}
        self._put(session_id, seen.kind, data, "sampled", time.time())


def members_now(target: Target, exclude: Collection[int]) -> list[int]:
    """Who belongs to a session at this moment: by terminal, session id, environment, and all below."""
    with contextlib.suppress(OSError):
        found = members([target.membership], process_table(), set(exclude))
        return [process.pid for process in found[target.session_id]]
    return [target.leader]
