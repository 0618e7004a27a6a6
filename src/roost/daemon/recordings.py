"""All recordings: started with a session or later, carried over to the next daemon, ended, told of.

Owns the area `record` and the order of a recording's beginning (file, record, answer) and of its end. Nothing is
recorded unless somebody asked for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from roost.core.cast import MARKER
from roost.core.config_record import RecordConfig
from roost.core.events import Event, EventFilter
from roost.core.markers import marker_label
from roost.core.recording import Checkpoint
from roost.core.redaction import Rule, compile_rules
from roost.daemon.areas import Preparation
from roost.daemon.around import Context, Wired
from roost.daemon.bus import Subscription
from roost.daemon.record import BLOB_MAX_BYTES, RecordingRecord, SessionRecord
from roost.daemon.recorded_input import RecordedInput
from roost.daemon.recorder import Recorder
from roost.daemon.recorder_shell import RecorderShell, now_us
from roost.daemon.recording_beginning import begin_now, begin_with_modes
from roost.daemon.recording_order import Opened, RecordOptions, cast_header, make_file, record_options
from roost.daemon.session import Session
from roost.daemon.writer_pool import WriterPool
from roost.errors import InvalidError, NoRunError, RoostError, WrongStateError

#: Recordings that a session may have at once.
MAX_RECORDINGS = 8
#: How long stopping a recording waits for its file to take the rest, and purge and the daemon's end for all of them.
DRAIN_S = 5.0
FAREWELL_S = 2.0


class Recordings:
    """Makes recordings and ends them."""

    key = "record"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool = WriterPool(context.loop)
        self._prepared: dict[str, Opened] = {}  # by the id of a session that is being started
        self._watching: dict[int, list[Subscription]] = {}  # by the id() of a recorder

    # --- the area -------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """Refuse options that make no sense."""
        record_options(options).check()

    def prepare(self, preparation: Preparation, options: Any) -> None:
        """Have the ring wait from the first byte on, if nothing may be missing."""
        if options is not None and record_options(options).hold:
            preparation.held_streams.append(record_options(options).stream)

    async def open(self, preparation: Preparation, options: Any, record: SessionRecord) -> None:
        """Make the file before the session is started, so that one that cannot be recorded is not started."""
        if options is None:
            return
        given = record_options(options)
        if given.stream == "stderr" and (record.kind == "pty" or record.merged):
            raise InvalidError("this session will have no stderr of its own; record stdout")
        opened = await self._open(given, record, preparation.session_id, offset=0)
        record.recordings.append(opened.record)
        # A restart of the session goes on in the same file.
        record.options = {**record.options, self.key: {**options, "append": True}}
        self._prepared[preparation.session_id] = opened

    def abandon(self, preparation: Preparation) -> None:
        """The session could not be started."""
        opened = self._prepared.pop(preparation.session_id, None)
        if opened is not None:
            self._discard(opened)

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Start what was prepared, or go on with what the last daemon recorded."""
        opened = self._prepared.pop(session.id, None)
        if adopted:
            for record in session.record.recordings:
                self._resume(session, record)
        elif opened is not None:
            self._begin(session, opened)

    # --- beginnings -----------------------------------------------------------------------------------------------

    async def _open(
        self, options: RecordOptions, session: SessionRecord, session_id: str, *, offset: int, begin: bytes = b""
    ) -> Opened:
        options = self._with_config(options)
        rules = options.check()
        record = RecordingRecord(
            handle=1 + max((known.handle for known in session.recordings), default=0),
            path=options.path,
            stream=options.stream,
            input=options.input,
            hold=options.hold,
            rules=list(options.redact),
            common=options.redact_common,
            events=list(options.events),
            begin=offset,
            offset=offset,
            t0_us=now_us(),
        )
        checkpoint = Checkpoint(offset, 0, session.rows, session.cols)
        head = cast_header(session, rules).line()
        tail = f"# roost recording of {session_id}\n".encode() + begin + checkpoint.line().encode()
        made = await self._pool.run(partial(make_file, record.path_bytes, head, tail, append=options.append))
        if isinstance(made, InvalidError):
            raise made
        record.device, record.inode = made.file.identity.device, made.file.identity.inode
        return Opened(record, rules, made.file, checkpoint, made.created)

    def _with_config(self, options: RecordOptions) -> RecordOptions:
        """The order with the rules that config.toml has for every recording."""
        config = self._context.shared["config"].current.of(RecordConfig)
        redact = list(dict.fromkeys([*config.redact, *options.redact]))
        common = options.redact_common or config.redact_common
        return msgspec.structs.replace(options, redact=redact, redact_common=common)

    def _discard(self, opened: Opened) -> None:
        """There will be no such recording: leave no file behind that was not there before."""

        def discard() -> None:
            opened.file.close()
            if opened.created:
                with contextlib.suppress(OSError):
                    os.unlink(opened.record.path_bytes)

        self._pool.submit(discard, lambda _: None)

    def _begin(self, session: Session, opened: Opened) -> None:
        recorder = self._place(session, opened.record, opened.rules)
        recorder.start(opened.file, opened.checkpoint)

    def _resume(self, session: Session, record: RecordingRecord) -> None:
        if record.stream not in session.streams:
            return
        if record.input and not record.ended:
            record.uncertain = record.uncertain or not record.clean
            record.clean = False
        recorder = self._place(session, record, compile_rules(record.rules, common=record.common))
        recorder.start_again()

    def _place(self, session: Session, record: RecordingRecord, rules: Sequence[Rule]) -> Recorder:
        save = partial(self._context.save, session)
        announce = partial(self._announce, session, record)
        recorder = Recorder(session, record, rules, RecorderShell(self._context.loop, self._pool, save, announce))
        session.recorders[record.handle] = recorder
        if record.ended:
            return recorder
        if record.input and session.input is not None:
            session.input.add_tap(RecordedInput(session, recorder.aside, rules))
        self._watch_events(session, recorder)
        self._context.tasks.create_task(self._watch_exit(session, recorder), name=f"recording of {session.id}")
        return recorder

    def _watch_events(self, session: Session, recorder: Recorder) -> None:
        own = frozenset({session.id})
        wanted = EventFilter(categories=frozenset(recorder.record.events), session_ids=own)
        resized = EventFilter(types=frozenset({"resized"}), session_ids=own)

        def take(event: Event) -> None:
            label = marker_label(event)
            if label:
                offset = event.data.get("offset")
                recorder.aside(MARKER, label, offset if isinstance(offset, int) else None)

        bus = self._context.bus
        watching = [bus.subscribe(resized, lambda _event: recorder.note_size(), passive=True)]
        if recorder.record.events:
            watching.append(bus.subscribe(wanted, take, passive=True))
        self._watching[id(recorder)] = watching

    async def _watch_exit(self, session: Session, recorder: Recorder) -> None:
        ended: asyncio.Future[None] = self._context.loop.create_future()
        recorder.when_ended(partial(_resolve, ended))
        exited = self._context.tasks.create_task(session.exited.wait(), name=f"exit of {session.id}")
        first: set[asyncio.Future[Any]] = {ended, exited}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if session.ending is not None:
                recorder.on_exited(session.ending.info.code, session.ending.info.signal)
                await ended
        finally:
            exited.cancel()
            for subscription in self._watching.pop(id(recorder), []):
                subscription.close()

    def _announce(self, session: Session, record: RecordingRecord, failing: bool) -> None:
        recorder = session.recorders.get(record.handle)
        data = {"sink": "recording", "handle": record.handle, "path": record.path}
        if failing:
            data["error"] = recorder.error if recorder is not None else record.error
        self._context.bus.emit(session, "daemon", "sink_failing" if failing else "sink_recovered", data)

    # --- calls ----------------------------------------------------------------------------------------------------

    async def start(self, session: Session, options: RecordOptions, *, retained: bool) -> Recorder:
        """Record a running session from now on, or from the oldest byte that is retained."""
        stream = session.stream(options.stream)
        if not session.live:
            raise WrongStateError(f"session {session.record.name} has exited; `roost export` can still draw it")
        _check_room(session, options)
        rules = self._with_config(options).check()
        stream.scan_to_end()
        if retained:
            begin = begin_with_modes(stream, stream.ring.start)
        else:
            begin = await begin_now(session, stream, self._context.shared.get("screens"), rules)
        opened = await self._open(options, session.record, session.id, offset=begin.offset, begin=begin.line.encode())
        if options.input:
            try:
                await session.typing.end_direct()
            except BaseException:
                self._discard(opened)
                raise
        if session.forgotten or not session.live:
            self._discard(opened)
            raise NoRunError(f"session {session.record.name} ended meanwhile")
        session.record.recordings.append(opened.record)
        self._begin(session, opened)
        self._context.save(session)
        return session.recorders[opened.record.handle]

    def find(self, session: Session, handle: int | None) -> Recorder:
        """The recording of that handle; without one the only one that is not over. Raises NoRunError, InvalidError."""
        if handle is not None:
            if handle not in session.recorders:
                raise NoRunError(
                    f"session {session.record.name} has no recording {handle}; `roost record list` lists them"
                )
            return session.recorders[handle]
        running = [recorder for recorder in session.recorders.values() if not recorder.ended]
        if not running:
            raise NoRunError(f"session {session.record.name} is not being recorded; `roost record list` says which are")
        if len(running) > 1:
            handles = ", ".join(str(recorder.record.handle) for recorder in running)
            raise InvalidError(f"session {session.record.name} has several recordings ({handles}); name one")
        return running[0]

    async def stop(self, recorder: Recorder) -> None:
        """Let the file take what the stream has up to now, and end the recording."""
        await self._finish([recorder], DRAIN_S)

    async def forget(self, sessions: Iterable[Session]) -> None:
        """Let the recordings of sessions that are about to be forgotten finish."""
        await self._finish([r for session in sessions for r in session.recorders.values()], FAREWELL_S)

    async def _finish(self, recorders: list[Recorder], timeout_s: float) -> None:
        await self._all(recorders, lambda recorder, then: recorder.finish(then), timeout_s)
        for recorder in recorders:
            recorder.give_up()

    async def leave(self) -> None:
        """The daemon stops: no write is left under way, and the next daemon knows where to go on, if there will be
        one for these sessions."""
        if self._context.service.link.lost:
            await self.forget(self._context.table)
        sessions = [session for session in self._context.table if session.recorders]
        recorders = [recorder for session in sessions for recorder in session.recorders.values()]
        await self._all(recorders, lambda recorder, then: recorder.quiesce(then), FAREWELL_S)
        for session in sessions:
            for recorder in session.recorders.values():
                recorder.record.clean = True
            if not self._context.service.link.lost:
                self._context.save(session)
        self._pool.close()

    async def _all(
        self, recorders: list[Recorder], ask: Callable[[Recorder, Callable[[], None]], None], timeout_s: float
    ) -> None:
        waiting = []
        for recorder in recorders:
            called: asyncio.Future[None] = self._context.loop.create_future()
            ask(recorder, partial(_resolve, called))
            waiting.append(called)
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_s)


def _check_room(session: Session, options: RecordOptions) -> None:
    name = session.record.name
    if sum(not recorder.ended for recorder in session.recorders.values()) >= MAX_RECORDINGS:
        raise RoostError(f"session {name} has {MAX_RECORDINGS} recordings already; stop one first", kind="exhausted")
    if 6 * (len(options.path) + sum(map(len, options.redact))) + len(session.record.encode()) > BLOB_MAX_BYTES:
        raise RoostError(f"session {name} cannot keep another recording with so much text", kind="exhausted")


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def wire(context: Context) -> Wired:
    """The area of recordings."""
    from roost.daemon.record_calls import RecordCalls

    recordings = Recordings(context)
    context.areas.add(recordings)
    context.service.before_forgetting.append(recordings.forget)
    return Wired(methods=RecordCalls(recordings).methods(), leave=recordings.leave)
