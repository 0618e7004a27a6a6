"""Both ends of a connection without the connection: bytes in, messages out, in order.

Owns when a connection carries requests, when it has turned into an attachment, and what bad input means for it. Knows
nothing of sockets; the shell feeds what it received and sends what it wants.

    requests --(attach request)--> waiting --(start_stream)--> stream      any --(prefix above the limit)--> broken

While waiting nothing is taken from what follows the attach request: as soon as the attach has succeeded those bytes are
stream frames, and if it fails the connection ends.
"""

from __future__ import annotations

from roost.errors import ProtocolError
from roost.plain_frames import keystroke
from roost.wire.frames import InputFrame, StreamFrame, decode_input_frame, decode_stream_frame
from roost.wire.framing import MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, FrameSplitter, FrameTooLargeError
from roost.wire.record import Record
from roost.wire.requests import ATTACH_PIPE_STREAM, ATTACH_PTY_SESSION, Reply, decode_reply

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from roost.wire import daemon_v1_pb2 as pb

    ServerEvent: TypeAlias = "Request | BadRequest | InputFrame"
    ClientEvent: TypeAlias = Reply | StreamFrame

_ATTACHES = (ATTACH_PTY_SESSION, ATTACH_PIPE_STREAM)

_REQUESTS = "requests"
_WAITING = "waiting"
_STREAM = "stream"
_BROKEN = "broken"


class Request(Record):
    """A request, to be answered before the next one is taken."""

    __slots__ = ("message",)

    def __init__(self, message: pb.DaemonRequest) -> None:
        self.message = message


class BadRequest(Record):
    """Input that is no request: answer it with request id 0, INVALID_ARGUMENT and `text`; close if it is `fatal`.

    On a stream it is always fatal, and the connection is closed without an answer.
    """

    __slots__ = ("text", "fatal")  # noqa: RUF023 (a Record unpacks in this order)

    def __init__(self, text: str, fatal: bool) -> None:
        self.text = text
        self.fatal = fatal


class ServerConversation:
    """The daemon's end. Events are taken one at a time: answer a request, then take the next.

    After an attach request there are none until `start_stream`; from then on they are InputFrames.
    """

    __slots__ = ("_decode_request", "_splitter", "_state")

    def __init__(self) -> None:
        from roost.wire.codec import decode_request  # here, as a client must not load protobuf with this module

        self._decode_request = decode_request
        self._splitter = FrameSplitter(MAX_REQUEST_BYTES)
        self._state = _REQUESTS

    @property
    def buffered(self) -> int:
        """Bytes received and not yet taken as events; stop receiving while this is large."""
        return self._splitter.buffered

    @property
    def streaming(self) -> bool:
        """Whether the connection is an attachment."""
        return self._state == _STREAM

    @property
    def waiting(self) -> bool:
        """Whether an attach request was taken and has not become a stream: after a refusal the connection ends."""
        return self._state == _WAITING

    def keystroke(self, data: bytes) -> InputFrame | None:
        """What `feed` would make of bytes that are one small piece of input and nothing else, in a shorter way.

        None for all others, which have to be fed; also while something is buffered that they belong behind.
        """
        typed = keystroke(data)
        if typed is None or self._state != _STREAM or self._splitter.buffered:
            return None
        return InputFrame("input", typed)

    def feed(self, data: bytes) -> Iterator[ServerEvent]:
        """Take received bytes, at once; returns the events that are complete (also available from `events`)."""
        self._splitter.feed(data)
        return self.events()

    def events(self) -> Iterator[ServerEvent]:
        """The events that are complete and not yet taken, decoded one by one as they are taken."""
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self) -> ServerEvent | None:
        """The next event; None while there is none."""
        while self._state in (_REQUESTS, _STREAM):
            try:
                payload = self._splitter.next_frame()
            except FrameTooLargeError as error:
                self._state = _BROKEN
                return BadRequest(error.message, fatal=True)
            if payload is None:
                return None
            if self._state == _REQUESTS:
                return self._request(payload)
            if (frame := decode_input_frame(payload)) is not None:
                return frame
        return None

    def feed_eof(self) -> BadRequest | None:
        """Take the end of the connection: a BadRequest if it cut a request in two (take the remaining events first)."""
        if self._state != _REQUESTS or self._splitter.at_boundary:
            return None
        self._state = _BROKEN
        return BadRequest("frame decode error: the connection ended inside a frame", fatal=True)

    def start_stream(self) -> None:
        """Turn the connection into an attachment: the attach request just taken has succeeded."""
        if self._state != _BROKEN:
            self._state = _STREAM

    def _request(self, payload: bytes) -> Request | BadRequest:
        try:
            message = self._decode_request(payload)
        except ProtocolError as error:
            return BadRequest(error.message, fatal=False)
        if message.type in _ATTACHES:
            self._state = _WAITING
        return Request(message)


class ClientConversation:
    """A client's end: replies, and after `start_stream` the frames of the attachment.

    After the reply to a successful attach there are no events until `start_stream`. Taking events raises ProtocolError
    when the daemon broke the protocol; the connection is then of no more use.
    """

    __slots__ = ("_pipe", "_splitter", "_state")

    def __init__(self) -> None:
        self._splitter = FrameSplitter(MAX_RESPONSE_BYTES)
        self._state = _REQUESTS
        self._pipe = False

    @property
    def at_boundary(self) -> bool:
        """Whether nothing is held; false once drained means that the connection must not end here."""
        return self._splitter.at_boundary

    @property
    def streaming(self) -> bool:
        """Whether the connection is an attachment."""
        return self._state == _STREAM

    def feed(self, data: bytes) -> Iterator[ClientEvent]:
        """Take received bytes, at once; returns the events that are complete (also available from `events`)."""
        self._splitter.feed(data)
        return self.events()

    def events(self) -> Iterator[ClientEvent]:
        """The events that are complete and not yet taken, decoded one by one as they are taken."""
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self) -> ClientEvent | None:
        """The next event; None while there is none."""
        if self._state == _WAITING:
            return None
        payload = self._splitter.next_frame()
        if payload is None:
            return None
        if self._state == _STREAM:
            return decode_stream_frame(payload, pipe=self._pipe)
        reply = decode_reply(payload)
        if reply.code == 0 and any(attach in reply.payloads for attach in _ATTACHES):
            self._state = _WAITING
        return reply

    def start_stream(self, *, pipe: bool) -> None:
        """Read what follows as frames of a pipe stream or of a terminal."""
        self._pipe = pipe
        self._state = _STREAM
