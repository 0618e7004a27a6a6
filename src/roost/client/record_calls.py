"""The verbs about recordings and about what can be refreshed in an environment, as data. See `roost.client.calls`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from roost import model
from roost.client.calls import Call
from roost.client.keywords import Text

#: How long the daemon lets a file take the rest before it gives it up.
_DRAIN_S = 5.0


class RecordKeywords(TypedDict, total=False):
    """How to record."""

    #: Of a pipe session: "stdout" (the default) or "stderr".
    stream: str
    #: Go on in a recording that exists; else an existing file is refused.
    append: bool
    #: What is typed too.
    input: bool
    #: Leave nothing out: the program waits for the file instead.
    hold: bool
    #: Regular expressions: what they match is never written. `redact_common` adds the built-in ones.
    redact: list[str]
    redact_common: bool
    #: Categories of events that become markers; ["shell"] if not given.
    events: list[str]
    #: Begin with what is retained, not with the next byte. Not at a spawn, which begins with the first byte.
    retained: bool


def _info(result: Mapping[str, Any], _data: bytes) -> model.RecordingInfo:
    return model.RecordingInfo.from_json(result)


def start(target: str, path: Text, **options: Unpack[RecordKeywords]) -> Call[model.RecordingInfo]:
    return Call("record.start", _info, {"target": target, **options}, os.path.abspath(os.fsencode(path)))


def stop(target: str, handle: int | None) -> Call[model.RecordingInfo]:
    return Call("record.stop", _info, {"target": target, "handle": handle}, extra_s=_DRAIN_S)


def refreshable_env(target: str) -> Call[dict[str, str | None]]:
    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, str | None]:
        return dict(result["values"])

    return Call("env.show", read, {"target": target}, repeatable=True)


def list_recordings(target: str | None) -> Call[list[model.RecordingInfo]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[model.RecordingInfo]:
        return [model.RecordingInfo.from_json(entry) for entry in result["recordings"]]

    return Call("record.list", read, {"target": target}, repeatable=True)
