"""Decoders under a coverage-guided fuzzer: `python tests/fuzz/targets.py NAME -max_total_time=60`.

A target may raise ProtocolError (or what its docstring says) and nothing else; the fuzzer fails on any other exception,
on a hang and on a leak.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["roost"]):
    from roost.core.scanner import Scanner
    from roost.errors import ProtocolError
    from roost.keeper import messages
    from roost.wire.conversation import ClientConversation, ServerConversation
    from roost.wire.frames import decode_input_frame, decode_stream_frame
    from roost.wire.lite import fields


def _pieces(data: bytes) -> list[bytes]:
    """The input cut as its own first byte says, so that boundaries are explored too."""
    step = data[0] % 7 + 1 if data else 1
    return [data[i : i + step] for i in range(1, len(data), step)]


def server(data: bytes) -> None:
    """The daemon's end: every input gives events, never an exception."""
    conversation = ServerConversation()
    if data and data[0] & 128:
        conversation.start_stream()
    for piece in _pieces(data):
        for _ in conversation.feed(piece):
            pass


def client(data: bytes) -> None:
    """A client's end: ProtocolError at worst."""
    conversation = ClientConversation()
    if data and data[0] & 128:
        conversation.start_stream(pipe=bool(data[0] & 64))
    for piece in _pieces(data):
        for _ in conversation.feed(piece):
            pass


def frames(data: bytes) -> None:
    """Stream frames: ProtocolError at worst; input frames: None at worst."""
    decode_input_frame(data)
    list(fields(data))
    decode_stream_frame(data, pipe=False)
    decode_stream_frame(data, pipe=True)


def keeper(data: bytes) -> None:
    """The keeper's packets: ProtocolError at worst, from the getters too."""
    message = messages.decode(data)
    for tag in list(message.fields):
        message.text(tag)
        message.u64(tag)
        message.f64(tag)


def scanner(data: bytes) -> None:
    """Terminal output in any pieces gives the same state as in one."""
    whole, cut = Scanner(), Scanner()
    whole.feed(data[1:], 0)
    offset = 0
    for piece in _pieces(data):
        cut.feed(piece, offset)
        offset += len(piece)
    assert whole.reset_string() == cut.reset_string()
    assert whole.restore_string() == cut.restore_string()
    Scanner.from_state(cut.state)
    Scanner.from_state(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (server, client, frames, keeper, scanner)
}


def main() -> None:
    """Fuzz one target until the given options say stop."""
    target = TARGETS[sys.argv.pop(1)]

    def one_input(data: bytes) -> None:
        try:
            target(data)
        except ProtocolError:
            pass

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
