"""The screens of all sessions, as the rest of the daemon asks for them; `context.shared["screens"]`.

Owns which sessions are followed (from the first time that somebody wants to see one) and what the worker is told of
them. No output passes through here: the worker reads the rings itself and is only told to look.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from roost.core.events import Event
from roost.core.sizing import Winsize
from roost.daemon.keeper_link import KeeperLink
from roost.daemon.screens.beginning import SizeHistory, begin
from roost.daemon.screens.responder import Responder
from roost.daemon.screens.worker_link import WorkerLink, WorkerLostError
from roost.daemon.session import Session
from roost.errors import InvalidError, RoostError, UnavailableError
from roost.keeper import messages as m
from roost.screen.messages import Frame

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 5.0
#: A session that ended the worker so often is not shown any more.
MOST_CRASHES = 3
#: How often the worker is told to look, at most: for a screen that somebody waits on, and otherwise.
_WATCHED_EVERY_S = 0.001
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen as it was answered. Rows and columns count from 0; `lines` are those of the screen, without spaces at
    the end; `data` is the form that was asked for. unchanged: it looks as the hash given says, lines were left out."""

    hash: str
    offset: int
    rows: int
    cols: int
    title: str
    alternate: bool
    approximate: bool
    cursor: dict[str, Any]
    scrollback_lines: int
    modes: dict[str, bool]
    colours: dict[str, Any]
    changed: bool = True
    lines: list[str] = field(default_factory=list)
    scrollback: list[str] = field(default_factory=list)
    data: bytes = b""


@dataclass(slots=True)
class Restored:
    """What makes a terminal go on where the session's is at `offset`."""

    offset: int
    data: bytes
    approximate: bool
    alternate: bool


class Watch:
    """Somebody who is told of changes, until closed."""

    def __init__(self, screens: Screens, session: Session, on_change: Callable[[int], None]) -> None:
        self._screens = screens
        self.session = session
        self.on_change = on_change

    def close(self) -> None:
        """Want to know no more; safe to repeat."""
        self._screens.forget_watch(self)


class _Followed:
    """A session whose screen was wanted."""

    def __init__(self, session: Session, number: int, sizes: SizeHistory) -> None:
        self.session = session
        self.number = number
        self.sizes = sizes
        self.resized_at = 0
        self.announced = 0
        self.wanted = False
        self.opened = False
        self.opening: asyncio.Lock = asyncio.Lock()
        self.crashes = 0
        self.watches: list[Watch] = []


class Screens:
    """All of them."""

    key = "screen"

    def __init__(self, loop: asyncio.AbstractEventLoop, tasks: asyncio.TaskGroup, keeper: KeeperLink) -> None:
        self._loop = loop
        self._tasks = tasks
        self._keeper = keeper
        self._link = WorkerLink(loop, self._on_frame, self._on_lost)
        self._known: dict[str, _Followed] = {}
        self._dirty: set[str] = set()
        self._looking = False
        self._look_timer: asyncio.TimerHandle | None = None
        self._next_number = 1

    # --- an area ----------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """There is nothing to ask for at a start."""
        raise InvalidError("a session's screen takes no options")

    def prepare(self, _preparation: Any, _options: Any) -> None:
        """Nothing is needed before the start."""

    def on_session(self, session: Session, _options: Any, *, adopted: bool) -> None:
        """Remember its sizes from now on."""
        if not session.is_pty:
            return
        offset = session.streams["stdout"].ring.end if adopted else 0
        one = _Followed(session, self._next_number, SizeHistory(offset, session.rows, session.cols))
        self._next_number += 1
        self._known[session.id] = one
        session.window.before_change = lambda: self._about_to_resize(one)
        session.when_resized.append(lambda size: self._resized(one, size))
        if session.record.v1:  # protocol v1: no question to the terminal is answered on the child's behalf
            return
        responder = Responder(self._tasks, session, self)
        session.responder = responder
        stream = session.streams["stdout"]
        stream.on_queries = responder.on_queries
        if stream.scanner is not None and stream.scanner.asked:
            responder.on_queries(stream.scanner.take_queries())

    def on_purged(self, event: Event) -> None:
        """A session is forgotten."""
        one = self._known.pop(event.session_id, None)
        if one is not None and one.opened:
            self._link.tell({"op": "close", "id": event.session_id})

    def _about_to_resize(self, one: _Followed) -> None:
        one.announced = self._link.announce_size() if one.opened else 0
        one.resized_at = one.session.streams["stdout"].ring.end

    def _resized(self, one: _Followed, size: Winsize) -> None:
        offset = one.resized_at
        one.sizes.note(offset, size.rows, size.cols)
        if one.opened:
            body = {"op": "size", "id": one.session.id, "offset": offset, "rows": size.rows, "cols": size.cols}
            self._link.tell({**body, "announced": one.announced})

    # --- asking -----------------------------------------------------------------------------------------------------

    async def snapshot(
        self,
        session: Session,
        *,
        lines: int = 0,
        format: str | None = None,
        if_changed: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Screen:
        """The screen with everything that the session has written by now; with up to `lines` lines of scrollback.

        format: also as `roost.screen.formats` has it. if_changed: a hash; a screen that has it is told without lines.
        Raises InvalidError for a session without terminal, UnavailableError when no screen is to be had.
        """
        body = {"what": "screen", "lines": lines, "format": format, "if_changed": if_changed}
        frame = await self._ask(session, body, timeout_s)
        known = {name: value for name, value in frame.body.items() if name in Screen.__slots__}
        return Screen(**known, data=frame.data)

    async def restored(
        self, session: Session, *, size: Winsize, view: Winsize, lines: int, timeout_s: float
    ) -> Restored:
        """What paints the screen as it is once the session has that size, for a terminal of the size `view`."""
        body = {"what": "restore", "lines": lines, "size": size, "view": view}
        frame = await self._ask(session, body, timeout_s)
        return Restored(frame.body["offset"], frame.data, frame.body["approximate"], frame.body["alternate"])

    async def cursor(self, session: Session, until: int, timeout_s: float) -> tuple[int, int]:
        """Row and column of the cursor, from 0, behind the byte at `until` (or later ones, if they were shown)."""
        frame = await self._ask(session, {"what": "cursor", "until": until}, timeout_s)
        return frame.body["row"], frame.body["column"]

    async def _ask(self, session: Session, body: dict[str, Any], timeout_s: float) -> Frame:
        one = self._known.get(session.id)
        if one is None:
            raise InvalidError(f"session {session.record.name} has no terminal, so it has no screen; use `roost logs`")
        deadline = self._loop.time() + timeout_s
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._open(one)
            except TimeoutError:
                raise UnavailableError(f"no screen could be had within {timeout_s:g} s; try again") from None
            try:
                left_s = deadline - self._loop.time()
                return await self._link.ask({"op": "get", "id": session.id, **body}, max(left_s, 0.001))
            except WorkerLostError:
                if self._loop.time() >= deadline:
                    raise

    async def _open(self, one: _Followed) -> None:
        """Have the worker follow a session."""
        if one.crashes >= MOST_CRASHES:
            raise UnavailableError(
                f"the screen of {one.session.record.name} cannot be shown: its output ended the emulator "
                f"{one.crashes} times; `roost logs` shows what it wrote"
            )
        if one.opened:
            return
        async with one.opening:
            if one.opened:
                return
            pause = self._link.pause_s()
            if pause:
                await asyncio.sleep(pause)
            self._link.start()
            fd = await self._ring_of(one.session)
            try:
                if not self._link.running:
                    raise WorkerLostError("the screen worker ended before it was told of a session")
                beginning = begin(one.session, one.sizes)
                body = {"op": "open", "id": one.session.id, "number": one.number, **beginning.body}
                self._link.tell(body, beginning.prelude, (fd,))
            finally:
                os.close(fd)
            one.opened = True
            if not one.wanted:
                one.wanted = True
                one.session.streams["stdout"].when_moved.append(lambda: self._moved(one))
            if one.watches:
                self._link.tell({"op": "watch", "id": one.session.id, "on": True})

    async def _ring_of(self, session: Session) -> int:
        """The session's ring, to be read only. Raises RoostError."""
        _answer, fds = await self._keeper.call(m.FETCH, [(m.T_ID, session.id)])
        try:
            ring_fd = fds[1 if _answer.u64(m.T_STDIN_OPEN, 0) else 0]
            return os.open(f"/proc/self/fd/{ring_fd}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UnavailableError(f"the output of {session.record.name} cannot be read: {error.strerror}") from error
        finally:
            for fd in fds:
                os.close(fd)

    # --- changes ------------------------------------------------------------------------------------------------------

    async def watch(self, session: Session, on_change: Callable[[int], None]) -> Watch:
        """Have `on_change(offset)` called, on the loop, when the screen may look different: at once, then at most every
        10 ms, the last change included. Raises what `snapshot` raises."""
        one = self._known.get(session.id)
        if one is None:
            raise InvalidError(f"session {session.record.name} has no terminal, so it has no screen")
        await self._open(one)
        watch = Watch(self, session, on_change)
        one.watches.append(watch)
        if len(one.watches) == 1:
            session.streams["stdout"].hurried += 1
            self._link.tell({"op": "watch", "id": session.id, "on": True})
        return watch

    def forget_watch(self, watch: Watch) -> None:
        """End a watch."""
        one = self._known.get(watch.session.id)
        if one is None or watch not in one.watches:
            return
        one.watches.remove(watch)
        if not one.watches:
            one.session.streams["stdout"].hurried -= 1
            self._link.tell({"op": "watch", "id": watch.session.id, "on": False})

    # --- having the worker look ---------------------------------------------------------------------------------------

    def _moved(self, one: _Followed) -> None:
        if not one.opened:
            return
        self._dirty.add(one.session.id)
        if not self._looking and self._look_timer is None:
            self._look()

    def _look(self) -> None:
        self._look_timer = None
        if not self._dirty or not self._link.running:
            return
        ids, self._dirty = list(self._dirty), set()
        self._looking = True
        self._link.tell({"op": "look", "ids": ids}, answered=True)

    def _looked(self) -> None:
        self._looking = False
        watched = any(one.watches for one in self._known.values())
        self._look_timer = self._loop.call_later(_WATCHED_EVERY_S if watched else _LOOK_EVERY_S, self._look)

    # --- what the worker says -----------------------------------------------------------------------------------------

    def _on_frame(self, frame: Frame) -> None:
        op = frame.body["op"]
        if op == "looked":
            self._looked()
            return
        one = self._known.get(frame.body.get("id", ""))
        if one is None or not one.opened or one.session.forgotten:
            return
        if op == "lapped":
            beginning = begin(one.session, one.sizes, frame.body["offset"])
            self._link.tell({"op": "begin", "id": one.session.id, **beginning.body}, beginning.prelude)
        elif op == "changed":
            for watch in tuple(one.watches):
                watch.on_change(frame.body["offset"])

    def _on_lost(self, number: int) -> None:
        """The worker ended: whoever was wanted is opened again, except who ended it too often."""
        self._looking = False
        self._dirty.clear()
        again = False
        for one in self._known.values():
            one.opened = False
            if one.number == number:
                one.crashes += 1
                log.warning("the screen of session %s ended the worker (%d times)", one.session.id, one.crashes)
            again = again or (one.wanted and one.crashes < MOST_CRASHES)
        if again:
            self._tasks.create_task(self._open_again(), name="screens again")

    async def _open_again(self) -> None:
        for one in list(self._known.values()):
            if one.wanted and not one.opened and one.crashes < MOST_CRASHES and not one.session.forgotten:
                try:
                    await self._open(one)
                except (RoostError, OSError) as error:
                    log.warning("session %s is not followed again: %s", one.session.id, error)

    # --- the end ------------------------------------------------------------------------------------------------------

    @property
    def worker_pid(self) -> int:
        """The worker's process, 0 without one."""
        return self._link.pid

    async def close(self) -> None:
        """End the worker."""
        if self._look_timer is not None:
            self._look_timer.cancel()
        self._link.close()
