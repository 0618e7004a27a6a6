"""Roost's own calls about recordings: `record.start`, `record.stop`, `record.list`.

Owns their parameters and answers; the work is that of `recordings`. A path travels as the call's data: bytes, any
encoding.
"""

from __future__ import annotations

import os
from typing import Any

from roost.daemon.calls import Calls, Method, Params, Result
from roost.daemon.recorder import Recorder
from roost.daemon.recording_order import DEFAULT_EVENTS, RecordOptions
from roost.daemon.recordings import Recordings
from roost.daemon.session import Session


class StartParams(Params, frozen=True):
    """A recording to start; see RecordOptions. `path` is for callers that have text only; the call's data comes first.

    retained: begin with what the ring still has.
    """

    target: str = ""
    path: str = ""
    stream: str = "stdout"
    append: bool = False
    input: bool = False
    hold: bool = False
    redact: list[str] = []
    redact_common: bool = False
    events: tuple[str, ...] = DEFAULT_EVENTS
    retained: bool = False


class StopParams(Params, frozen=True):
    """The recording to stop; without a handle the session's only one."""

    target: str = ""
    handle: int | None = None


class ListParams(Params, frozen=True):
    """Whose recordings; of all sessions without a target."""

    target: str | None = None


class RecordCalls:
    """Carries them out."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {
            "record.start": Method(StartParams, self._start),
            "record.stop": Method(StopParams, self._stop),
            "record.list": Method(ListParams, self._list),
        }

    async def _start(self, calls: Calls, p: StartParams, data: bytes) -> Result:
        session = calls.service.find(p.target)
        fields = {name: getattr(p, name) for name in RecordOptions.__struct_fields__}
        options = RecordOptions(**{**fields, "path": os.fsdecode(data) if data else p.path})
        return recording_info(session, await self._recordings.start(session, options, retained=p.retained)), b""

    async def _stop(self, calls: Calls, p: StopParams, _data: bytes) -> Result:
        session = calls.service.find(p.target)
        recorder = self._recordings.find(session, p.handle)
        await self._recordings.stop(recorder)
        return recording_info(session, recorder), b""

    async def _list(self, calls: Calls, p: ListParams, _data: bytes) -> Result:
        sessions = calls.service.select() if p.target is None else [calls.service.find(p.target)]
        return {"recordings": [recording_info(s, r) for s in sessions for r in s.recorders.values()]}, b""


def recording_info(session: Session, recorder: Recorder) -> dict[str, Any]:
    """One recording. The rules themselves may be secrets: they are counted, not told."""
    record = recorder.status()
    return {
        "session_id": session.id,
        "name": session.record.name,
        "handle": record.handle,
        "path": record.path_bytes.decode("utf-8", "replace"),
        "stream": record.stream,
        "state": recorder.state,
        "error": recorder.error,
        "begin_offset": record.begin,
        "offset": record.offset,
        "missed_bytes": record.missed,
        "dropped_events": record.dropped + recorder.dropped_asides,
        "input": record.input,
        "hold": record.hold,
        "rules": len(record.rules),
        "redact_common": record.common,
        "events": record.events,
        "uncertain": record.uncertain,
    }
