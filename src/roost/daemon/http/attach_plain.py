"""The plain form of an attachment over a WebSocket: what its messages say, and how they become the daemon's frames.

Pure: bytes and texts in, bytes and texts out. docs/http.md describes the messages.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from roost.core.problems import problem
from roost.core.sizing import MAX_SIZE
from roost.daemon.http import asgi
from roost.daemon.session import Session
from roost.errors import InvalidError, RoostError
from roost.wire import frames
from roost.wire.conversation import ClientConversation
from roost.wire.frame_types import StreamFrame
from roost.wire.requests import AttachOptions, Reply, decode_attached, encode_attach

#: How far output may be ahead of the last acknowledgement, unless the client wishes otherwise.
WINDOW_BYTES = 1 << 20


class Attach(msgspec.Struct, forbid_unknown_fields=True):
    """The first message. window_bytes: how far output may run ahead of acknowledgements, 0 for as far as it likes.
    resume_token, in hexadecimal: of an earlier attachment, whose place it takes."""

    type: str
    mode: str = "exclusive"
    steal: bool = False
    lossless: bool = False
    from_offset: int | None = None
    tail_bytes: int | None = None
    rows: int = 0
    cols: int = 0
    term: str = ""
    label: str = ""
    restore: str = "raw"
    stream: str = "stdout"
    resume_token: str = ""
    window_bytes: int = WINDOW_BYTES


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """What follows: ack (offset), resize (rows, cols), interrupt, detach, close_stdin."""

    type: str
    offset: int = 0
    rows: int = 0
    cols: int = 0


def attach_request(session: Session, text: str | None) -> tuple[Attach, bytes]:
    """The first message read, and as an encoded attach request. Raises InvalidError, MalformedError."""
    wish = asgi.convert(_object(text), Attach, strict=True)
    if wish.type != "attach":
        raise InvalidError(f"the first message must be of type attach, not {wish.type!r}")
    for name in ("from_offset", "tail_bytes", "window_bytes"):
        value = getattr(wish, name)
        if value is not None and not 0 <= value < 1 << 63:
            raise InvalidError(f"{name} is {value}; it counts bytes from 0 on")
    _check_size(wish.rows, wish.cols)
    if wish.stream not in ("stdout", "stderr") or (session.is_pty and wish.stream != "stdout"):
        raise InvalidError(f"session {session.record.name} has no stream {wish.stream!r}")
    try:
        token = bytes.fromhex(wish.resume_token)
    except ValueError as error:
        raise InvalidError("resume_token is not in hexadecimal") from error
    options = AttachOptions(
        session.id,
        stream=None if session.is_pty else wish.stream,
        rows=wish.rows,
        cols=wish.cols,
        steal=wish.steal,
        term=wish.term,
        tty=session.is_pty and bool(wish.rows and wish.cols),
        from_offset=wish.from_offset,
        tail_bytes=wish.tail_bytes,
        mode=wish.mode,
        lossless=wish.lossless,
        label=wish.label or None,
        restore=wish.restore,
        resume_token=token or None,
    )
    return wish, encode_attach(1, options, "http")


def _object(text: str | None) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(text or "")
    except (msgspec.DecodeError, RecursionError) as error:
        raise asgi.MalformedError(f"the message is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise asgi.MalformedError("the message must be a JSON object")
    return given


def _check_size(rows: int, cols: int) -> None:
    if not (0 <= rows <= MAX_SIZE and 0 <= cols <= MAX_SIZE):
        raise InvalidError(f"{rows}x{cols} is no terminal size; rows and cols go from 1 to {MAX_SIZE}")


class Plain:
    """One attachment's messages."""

    def __init__(self, wish: Attach, *, pipe: bool) -> None:
        self._pipe = pipe
        self._window = wish.window_bytes
        self._conversation = ClientConversation()
        self._sent = 0
        self._acknowledged = 0
        self.acknowledged = asyncio.Event()
        self.ended = False

    # --- towards the client -----------------------------------------------------------------------------------------

    def received(self, data: bytes) -> Iterator[bytes | str]:
        """What the client is told because of bytes from the attachment: texts, and output as bytes.

        Taken one by one, so that the window can be looked at in between.
        """
        self._conversation.feed(data)
        while (event := self._conversation.next_event()) is not None:
            if isinstance(event, Reply):
                yield self._begin(event)
            elif event.output is not None:
                yield from self._output(event.output, self._sent if event.offset is None else event.offset)
            elif (told := self._told(event)) is not None:
                yield json.dumps(told)

    def _begin(self, reply: Reply) -> str:
        """Tell of the attachment; frames follow."""
        attached = decode_attached(reply)
        self._conversation.start_stream(pipe=self._pipe)
        self._sent = self._acknowledged = attached.start_offset
        told = {
            "type": "attached",
            "session_id": attached.session_id,
            "name": attached.name,
            "kind": attached.kind,
            "attachment_id": attached.attachment_id,
            "start_offset": attached.start_offset,
            "end_offset": attached.end_offset,
            "resume_token": attached.resume_token.hex(),
            "restore": base64.b64encode(attached.restore).decode(),
            "uncertain": attached.uncertain,
        }
        return json.dumps(told)

    def _output(self, data: bytes, offset: int) -> Iterator[bytes]:
        """Output, in pieces that fit into the window."""
        at = 0
        while at < len(data):
            room = max(1, self._window - (self._sent - self._acknowledged)) if self._window else len(data)
            part = data[at : at + room]
            self._sent = offset + at + len(part)
            yield (offset + at).to_bytes(8, "big") + part
            at += len(part)

    def _told(self, frame: StreamFrame) -> dict[str, Any] | None:
        reset = base64.b64encode(frame.reset or b"").decode()
        if frame.gap is not None:
            self._sent = frame.gap[1]
            return {"type": "gap", "from": frame.gap[0], "to": frame.gap[1]}
        if frame.resized is not None:
            return {"type": "resized", "rows": frame.resized[0], "cols": frame.resized[1]}
        if frame.input_offset is not None:
            return {"type": "input_offset", "offset": frame.input_offset}
        if frame.exited is not None:
            self.ended = True
            how = frame.exited
            return {
                "type": "exited",
                "code": how.code,
                "signal": how.signal,
                "outcome": how.outcome,
                "at": how.at,
                "reset": reset,
            }
        if frame.stolen_by is not None:
            self.ended = True
            return {"type": "stolen", "by": frame.stolen_by, "reset": reset}
        if frame.error is not None:
            self.ended = True
            return {"type": "detached", "reason": frame.error, "reset": reset}
        return None

    @property
    def window_full(self) -> bool:
        """Whether the client has to acknowledge something before it is sent more."""
        full = self._window > 0 and self._sent - self._acknowledged >= self._window and not self.ended
        if full:
            self.acknowledged.clear()
        return full

    @staticmethod
    def error(error: RoostError) -> str:
        """What went wrong, as a message."""
        return json.dumps({"type": "error", "problem": problem(error.kind, error.message)})

    # --- from the client --------------------------------------------------------------------------------------------

    def asked(self, message: Any) -> bytes:
        """A client's message as frames of the daemon; empty when there is nothing to pass on. Raises InvalidError."""
        if message.get("bytes") is not None:
            return frames.encode_input(message["bytes"]) if message["bytes"] else b""
        ask = asgi.convert(_object(message.get("text")), Ask, strict=True)
        if ask.type == "ack":
            if not self._acknowledged <= ask.offset <= self._sent:
                raise InvalidError(f"offset {ask.offset} was not sent yet; output was sent up to {self._sent}")
            self._acknowledged = ask.offset
            self.acknowledged.set()
            return b""
        if ask.type == "resize":
            _check_size(ask.rows, ask.cols)
            return frames.encode_resize(ask.rows, ask.cols)
        if ask.type == "interrupt":
            return frames.encode_interrupt()
        if ask.type == "detach":
            return frames.encode_detach()
        if ask.type == "close_stdin":
            return frames.encode_close_stdin()
        raise InvalidError(f"unknown type {ask.type!r}; send ack, resize, interrupt, detach or close_stdin")
