"""All tees: adding and removing them, carrying them over to the next daemon, waiting for them where that is right.

Owns the writer threads, and the order of a tee's beginning (file, record, answer) and of its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from roost.daemon.input_tee import InputTee
from roost.daemon.output_tee import OutputTee, TeeShell
from roost.daemon.record import BLOB_MAX_BYTES, SessionRecord, TeeRecord
from roost.daemon.session import Session
from roost.daemon.tee import Tee, TeeSpec, record_of
from roost.daemon.tee_file import TeeFile, open_tee_file, reason
from roost.daemon.writer_pool import WriterPool
from roost.errors import InvalidError, NoRunError, RoostError

#: Tees a session may have, removed ones not counted.
MAX_TEES = 64
#: How long removing a tee waits for its file to take the rest.
DRAIN_S = 5.0
#: How long purge and the daemon's end wait for files.
FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class OpenTee:
    """A tee whose file is open and whose session does not exist yet."""

    record: TeeRecord
    file: TeeFile


class Tees:
    """Makes tees and ends them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        save: Callable[[Session], None],
        save_then: Callable[[Session, Callable[[], None]], None],
    ) -> None:
        """`save_then` stores a session's record and calls back when the keeper has it."""
        self._loop = loop
        self._save = save
        self._save_then = save_then
        self._pool = WriterPool(loop)
        self._started: list[TeeRecord] = []

    # --- beginnings -----------------------------------------------------------------------------------------------

    async def add(self, session: Session, spec: TeeSpec) -> int:
        """Copy what comes from now on; the new tee's handle.

        Raises InvalidError for a stream that the session has not, RoostError (internal) when the file cannot be opened.
        """
        spec.check()
        if spec.stream != "stdin":
            session.stream(spec.stream)
        _check_room(session.record, spec)
        file = await self._open(spec)
        if spec.stream == "stdin" and not session.forgotten:
            try:
                await session.typing.end_direct()
            except BaseException:
                self._pool.submit(file.close, lambda _: None)
                raise
        if session.forgotten:
            self._pool.submit(file.close, lambda _: None)
            raise NoRunError(f"session {session.record.name} was purged meanwhile")
        record = record_of(spec, session.record.next_tee)
        session.record.next_tee += 1
        _note_file(record, file)
        session.record.tees.append(record)
        self._start(session, record, file, from_now=True)
        saved: asyncio.Future[None] = self._loop.create_future()
        self._save_then(session, partial(_resolve, saved))
        await saved
        return record.handle

    def _start(self, session: Session, record: TeeRecord, file: TeeFile, *, from_now: bool) -> None:
        tee = self._place(session, record, from_now=from_now)
        session.tees[record.handle] = tee
        if file.regular:
            self._note_shared(record)
        tee.start(file)

    def _note_shared(self, record: TeeRecord) -> None:
        self._started = [other for other in self._started if not other.ended]
        for other in self._started:
            if (other.device, other.inode) == (record.device, record.inode):
                record.shared = other.shared = True
        self._started.append(record)

    async def _open(self, spec: TeeSpec) -> TeeFile:
        def work() -> TeeFile | str:
            try:
                return open_tee_file(spec.absolute_path, append=spec.append)
            except OSError as error:
                return reason(error)

        opened = await self._pool.run(work)
        if isinstance(opened, str):
            raise RoostError(f"failed to open tee file {spec.path.decode('utf-8', 'replace')}: {opened}")
        return opened

    async def open_all(self, specs: Sequence[TeeSpec], *, streams: Sequence[str]) -> list[OpenTee]:
        """Open the files of a session that is about to be started; handles are 1, 2, 3… All of them or none."""
        for spec in specs:
            spec.check()
            if spec.stream not in streams:
                raise InvalidError(f"this session will have no {spec.stream}; a tee may copy {', '.join(streams)}")
        opened: list[OpenTee] = []
        try:
            for handle, spec in enumerate(specs, 1):
                record = record_of(spec, handle)
                file = await self._open(spec)
                _note_file(record, file)
                opened.append(OpenTee(record, file))
        except BaseException:
            self.close_all(opened)
            raise
        return opened

    def close_all(self, opened: Iterable[OpenTee]) -> None:
        """Close the files of tees that will not be."""
        for one in opened:
            self._pool.submit(one.file.close, lambda _: None)

    def start_all(self, session: Session, opened: Iterable[OpenTee]) -> None:
        """Copy from the first byte of a session that was just started; its record names these tees already."""
        for one in opened:
            self._start(session, one.record, one.file, from_now=False)

    def resume(self, session: Session) -> None:
        """Take up the tees of the previous daemon. Called before anything may move the rings' holds."""
        for record in session.record.tees:
            if record.stream == "stdin" or record.stream in session.streams:
                tee = self._place(session, record, from_now=False)
                session.tees[record.handle] = tee
                self._started.append(record)
                tee.start_again()

    def _place(self, session: Session, record: TeeRecord, *, from_now: bool) -> OutputTee | InputTee:
        shell = TeeShell(self._pool, partial(self._save, session), partial(self._save_then, session))
        if record.stream == "stdin":
            return InputTee(session.input, record, shell)
        stream = session.stream(record.stream)
        if from_now:
            record.offset = stream.ring.end
        return OutputTee(stream, record, shell)

    # --- ends -----------------------------------------------------------------------------------------------------

    def find(self, session: Session, handle: int) -> Tee:
        """The tee of that handle. Raises NoRunError."""
        try:
            return session.tees[handle]
        except KeyError:
            raise NoRunError(f"session {session.record.name} has no tee {handle}; `roost tee ls` lists them") from None

    async def remove(self, session: Session, handle: int) -> None:
        """Let the file take what the stream has up to now, then close it; one that hangs is given up after DRAIN_S."""
        tee = self.find(session, handle)
        await self._finish([tee], DRAIN_S)
        session.tees.pop(handle, None)
        session.record.tees = [record for record in session.record.tees if record.handle != handle]
        self._save(session)

    async def drain(self, sessions: Iterable[Session]) -> None:
        """Let the tees of sessions that are about to be forgotten finish."""
        await self._finish([tee for session in sessions for tee in session.tees.values()], FAREWELL_S)

    async def _finish(self, tees: list[Tee], timeout_s: float) -> None:
        await self._all(tees, lambda tee, then: tee.finish(then), timeout_s)
        for tee in tees:
            tee.give_up()
            self._started = [record for record in self._started if record is not tee.record]

    async def leave(self, sessions: Sequence[Session]) -> None:
        """The daemon stops: no write is left under way, and the next daemon knows where to go on."""
        tees = [tee for session in sessions for tee in session.tees.values()]
        await self._all(tees, lambda tee, then: tee.quiesce(then), FAREWELL_S)
        for session in sessions:
            if session.tees:
                self._save(session)
        self._pool.close()

    async def _all(self, tees: list[Tee], ask: Callable[[Tee, Callable[[], None]], None], timeout_s: float) -> None:
        """Ask all and wait until all have called back, or the time is over."""
        waiting = []
        for tee in tees:
            called: asyncio.Future[None] = self._loop.create_future()
            ask(tee, partial(_resolve, called))
            waiting.append(called)
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_s)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _note_file(record: TeeRecord, file: TeeFile) -> None:
    record.size = file.size
    record.device, record.inode = file.identity.device, file.identity.inode


def _check_room(session: SessionRecord, spec: TeeSpec) -> None:
    if len(session.tees) >= MAX_TEES:
        raise RoostError(f"session {session.name} has {MAX_TEES} tees already; remove one first", kind="exhausted")
    if len(spec.absolute_path) * 6 + len(session.encode()) > BLOB_MAX_BYTES:
        raise RoostError(f"session {session.name} cannot keep another path that long; remove a tee", kind="exhausted")
