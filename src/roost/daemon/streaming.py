"""Answers that go on: a roost call whose connection carries further frames after the answer, until either side ends it.

Owns that shape of a connection: frames out, each awaited by its sender, and calls of the same stream in. What flows is
the stream's business; nothing is queued here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec

from roost.errors import RoostError
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.codec import ROOST_CALL, encode_response
from roost.wire.conversation import Request, ServerConversation

Send: TypeAlias = Callable[[dict[str, Any], bytes], Awaitable[None]]

_READ_BYTES = 64 * 1024


class CallStream(Protocol):
    """What follows an answer."""

    async def run(self, send: Send) -> None:
        """Send frames until there is nothing more to come; the connection is closed then."""

    def on_call(self, method: str, params: bytes) -> None:
        """The client says something about this stream. Raises RoostError for what makes no sense: it ends then."""

    def close(self) -> None:
        """The client is gone, or the stream is over; `run` returns soon. Safe to repeat."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """The answer of a method that takes over its connection."""

    result: dict[str, Any]
    stream: CallStream


async def serve_stream(
    loop: asyncio.AbstractEventLoop,
    sock: Any,
    conversation: ServerConversation,
    request_id: int,
    stream: CallStream,
) -> None:
    """Carry a stream until either side ends it. Raises OSError when the connection breaks."""

    async def send(result: dict[str, Any], data: bytes) -> None:
        response = pb.DaemonResponse(request_id=request_id)
        response.roost.result = msgspec.json.encode(result)
        if data:
            response.roost.data = data
        await loop.sock_sendall(sock, encode_response(response))

    async def listen() -> None:
        try:
            while True:
                while isinstance(event := conversation.next_event(), Request):
                    if event.message.type != ROOST_CALL:
                        return
                    stream.on_call(event.message.roost.method, event.message.roost.params)
                if event is not None:
                    return
                data = await loop.sock_recv(sock, _READ_BYTES)
                if not data:
                    return
                conversation.feed(data)
        except (OSError, RoostError):
            return
        finally:
            stream.close()

    try:
        async with asyncio.TaskGroup() as both:
            listener = both.create_task(listen(), name="stream input")
            sender = both.create_task(stream.run(send), name="stream output")
            listener.add_done_callback(lambda _: sender.cancel())
            sender.add_done_callback(lambda _: listener.cancel())
    except BaseExceptionGroup as group:
        broken, rest = group.split(OSError)
        if rest is not None:
            raise rest.exceptions[0] from group
        raise ConnectionResetError("the client went away") from broken
    finally:
        stream.close()
