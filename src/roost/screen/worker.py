"""The screen worker: a process of its own in which screens are emulated, told by the daemon which and answering it.

Owns the loop and whose turn it is. It reads the rings itself (read-only), so that no output passes through the daemon,
and keeps nothing that could not be made again: it may end at any byte. Before it touches a session it notes its number
in the page it shares with the daemon, so that it is known who was the cause.

    python -m roost.screen.worker SOCKET-FD PAGE-FD
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from roost.errors import RoostError
from roost.ring.reader import RingReader
from roost.screen import messages
from roost.screen.budget import Budget
from roost.screen.follower import Follower, beginning_of
from roost.screen.formats import render
from roost.screen.formats.ansi_form import restore
from roost.screen.page import Page
from roost.screen.snapshot import Snapshot, text_lines

#: Below everything that serves somebody.
NICENESS = 10
#: A change is told at once, the next one not before this.
TELL_EVERY_S = 0.01
#: A size that was announced and is not told within this is not waited for: it could not be set.
_SIZE_WAIT_MS = 100
#: A ring that was overtaken is begun anew by itself not before this, unless somebody watches or asks: a flood that
#: cannot be followed is not worth a tenth of a processor.
BEGIN_AGAIN_S = 1.0
_PR_SET_PDEATHSIG = 1
_MAX_SCROLLBACK = 20_000


class Followed:
    """A session as the worker knows it."""

    def __init__(self, number: int, follower: Follower) -> None:
        self.number = number
        self.follower = follower
        self.busy = True
        self.asked_anew = False
        self.secured = 0
        self.begun_at = time.monotonic()
        self.watched = False
        self.told_at = 0.0
        self.told_offset = -1

    def begin_again_in_s(self) -> float:
        """How long an overtaken ring is left as it is."""
        return 0.0 if self.watched else self.begun_at + BEGIN_AGAIN_S - time.monotonic()


class Worker:
    """All screens of one daemon."""

    def __init__(self, sock: socket.socket, page: Page) -> None:
        self._sock = sock
        self._page = page
        self._reader = messages.Reader()
        self._sessions: dict[str, Followed] = {}
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._held_back: list[messages.Frame] = []
        self._budget = Budget()
        self._answers = {
            "open": self._open,
            "begin": self._begin,
            "size": self._size,
            "look": self._look,
            "watch": self._watch,
            "get": self._get,
            "close": self._close,
        }

    def run(self) -> None:
        """Serve until the daemon hangs up."""
        poller = select.poll()
        poller.register(self._sock, select.POLLIN)
        self._say({"op": "ready", "pid": os.getpid()})
        while True:
            self._budget.refill()
            session_id = self._next()
            if poller.poll(0 if session_id else self._patience_ms()):
                if not self._take():
                    return
            elif self._page.awaits_size:
                self._page.give_up()
            self._answer_held_back()
            one = self._sessions.get(session_id)
            if one is not None:
                self._sessions[session_id] = self._sessions.pop(session_id)  # the others come first the next time
                with self._budget.spending():
                    self._turn(one)
            self._ask_for_lapped()
            self._tell()

    def _next(self) -> str:
        """Whose turn it is; empty when there is nothing to show, or no time left to do it in."""
        if self._budget.left_s <= 0 or self._page.awaits_size:
            return ""
        return next((session_id for session_id, one in self._sessions.items() if one.busy), "")

    def _take(self) -> bool:
        if not self._reader.receive(self._sock):
            return False
        for frame in self._reader.frames():
            self._answers[frame.body["op"]](frame)
        return True

    def _say(self, body: dict[str, Any], data: bytes = b"") -> None:
        self._sock.sendall(messages.encode(body, data))

    @contextlib.contextmanager
    def _touching(self, one: Followed) -> Iterator[None]:
        """Note whose screen is being worked on: left behind if this process ends meanwhile."""
        self._page.working_on = one.number
        yield
        self._page.working_on = 0

    # --- following ------------------------------------------------------------------------------------------------

    def _turn(self, one: Followed) -> None:
        with self._touching(one):
            if not one.follower.step():
                one.busy = one.follower.held_back

    def _ask_for_lapped(self) -> None:
        """A ring that was overtaken is begun anew once there is time for it: not over and over again in a flood."""
        if self._budget.full:
            for one in self._sessions.values():
                if one.begin_again_in_s() <= 0:
                    self._ask_anew(one)

    def _ask_anew(self, one: Followed) -> None:
        if one.follower.lapped and not one.asked_anew:
            one.asked_anew = True
            offset, one.secured = one.follower.secure_newest()
            self._say({"op": "lapped", "id": self._id_of(one), "offset": offset})

    def _id_of(self, one: Followed) -> str:
        return next(session_id for session_id, known in self._sessions.items() if known is one)

    def _patience_ms(self) -> int | None:
        """How long there is nothing to do by itself; None for as long as the daemon likes."""
        if self._page.awaits_size:
            return _SIZE_WAIT_MS
        waits = []
        for one in self._sessions.values():
            if one.busy:
                waits.append(self._budget.wait_s())
            if one.follower.lapped and not one.asked_anew:
                waits.append(max(self._budget.full_in_s(), one.begin_again_in_s()))
            if one.watched and one.told_offset != one.follower.offset:
                waits.append(TELL_EVERY_S)
        return max(1, int(min(waits) * 1000)) if waits else None

    def _tell(self) -> None:
        now = time.monotonic()
        for session_id, one in self._sessions.items():
            if one.watched and one.told_offset != one.follower.offset and now - one.told_at >= TELL_EVERY_S:
                one.told_at, one.told_offset = now, one.follower.offset
                self._say({"op": "changed", "id": session_id, "offset": one.follower.offset})

    # --- what the daemon says ---------------------------------------------------------------------------------------

    def _open(self, frame: messages.Frame) -> None:
        session_id = frame.body["id"]
        fd = self._reader.fds.pop(0)
        self._drop(session_id)
        try:
            ring = RingReader(fd, writable=False)
        finally:
            os.close(fd)
        number = int(frame.body["number"])
        self._page.working_on = number
        follower = Follower(ring, beginning_of(frame.body, frame.data), lambda: self._page.awaits_size)
        self._sessions[session_id] = Followed(number, follower)
        self._page.working_on = 0

    def _begin(self, frame: messages.Frame) -> None:
        one = self._sessions.get(frame.body["id"])
        if one is None:
            return
        with self._touching(one):
            one.follower.begin(beginning_of(frame.body, frame.data))
        one.asked_anew, one.busy, one.begun_at = False, True, time.monotonic()
        waiting, self._waiting = self._waiting, []
        for session_id, body in waiting:
            if self._sessions.get(session_id) is one:
                self._get(messages.Frame(body))
            else:
                self._waiting.append((session_id, body))

    def _size(self, frame: messages.Frame) -> None:
        self._page.told(frame.body["announced"])
        one = self._sessions.get(frame.body["id"])
        if one is not None:
            with self._touching(one):
                one.follower.size(frame.body["offset"], frame.body["rows"], frame.body["cols"])

    def _look(self, frame: messages.Frame) -> None:
        for session_id in frame.body["ids"]:
            if session_id in self._sessions:
                self._sessions[session_id].busy = True
        self._say({"op": "looked"})

    def _watch(self, frame: messages.Frame) -> None:
        one = self._sessions.get(frame.body["id"])
        if one is not None:
            one.watched = frame.body["on"]
            one.told_offset = one.follower.offset

    def _close(self, frame: messages.Frame) -> None:
        self._drop(frame.body["id"])

    def _drop(self, session_id: str) -> None:
        one = self._sessions.pop(session_id, None)
        if one is not None:
            with self._touching(one):
                one.follower.close()

    # --- answers --------------------------------------------------------------------------------------------------

    def _get(self, frame: messages.Frame) -> None:
        """Show what there is up to now, then answer. A ring that was lapped is begun anew first, with a copy of its
        newest output, and that is what is answered: however fast it is written, one new beginning is enough."""
        body = frame.body
        one = self._sessions.get(body["id"])
        if one is None:
            self._say({"op": "failed", "request": body["request"], "kind": "unavailable", "error": "not followed"})
            return
        with self._touching(one):
            until = one.follower.end if body.get("until") is None else min(body["until"], one.follower.end)
            one.follower.secure(until)
            while one.follower.step(until):
                pass
            if one.follower.held_back:
                self._held_back.append(messages.Frame({**body, "until": until}))
            elif not one.follower.lapped:
                self._answer(one, body)
        if one.follower.lapped:
            self._ask_anew(one)
            self._waiting.append((body["id"], {**body, "until": one.secured}))

    def _answer_held_back(self) -> None:
        """Answer what had to wait for a size."""
        if self._held_back and not self._page.awaits_size:
            frames, self._held_back = self._held_back, []
            for frame in frames:
                self._get(frame)

    def _answer(self, one: Followed, body: dict[str, Any]) -> None:
        try:
            answer, data = _answer(one.follower, body)
        except RoostError as error:
            self._say({"op": "failed", "request": body["request"], "kind": error.kind, "error": error.message})
            return
        self._say({"op": "answer", "request": body["request"], **answer}, data)


def _answer(follower: Follower, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    if body["what"] == "cursor":
        row, column = follower.emulator.cursor()
        return {"offset": follower.offset, "row": row, "column": column}, b""
    wanted = min(max(int(body.get("lines") or 0), 0), _MAX_SCROLLBACK)
    if body["what"] == "restore":
        rows, cols = body["size"]
        taken = follower.resumable((rows, cols), wanted)
        return _facts(taken), restore(taken, *body["view"])
    taken = follower.snapshot(scrollback=wanted)
    known = taken.hash
    facts = {**_facts(taken), "hash": known}
    if body.get("if_changed") == known:
        return {**facts, "changed": False}, b""
    facts |= {"changed": True, "lines": text_lines(taken, scrollback=False)}
    if wanted:
        facts["scrollback"] = [line.text for line in taken.scrollback]
    return facts, render(taken, body["format"]) if body.get("format") else b""


def _facts(taken: Snapshot) -> dict[str, Any]:
    from roost.screen.formats.json_form import facts

    return facts(taken)


def main(arguments: list[str]) -> int:
    """Run the worker on the descriptors it was given; the exit code."""
    sock = socket.socket(fileno=int(arguments[0]))
    page = Page(int(arguments[1]))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it goes with the daemon, when that closes the socket
    os.nice(NICENESS)
    gc.freeze()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        Worker(sock, page).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
