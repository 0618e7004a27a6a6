"""Requests read and answers written, over ASGI: bodies within bounds, JSON, queries.

Owns the bounds and the words of what cannot be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, MutableMapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from roost.errors import InvalidError, RoostError

T = TypeVar("T")
Scope = MutableMapping[str, Any]

#: The largest body of a request.
MOST_BODY_BYTES = 1 << 20
#: How long a body may take.
BODY_S = 30.0
JSON = "application/json"
BYTES = "application/octet-stream"


class TooLargeError(RoostError):
    """A body above the limit."""

    kind = "too_large"


class MalformedError(RoostError):
    """What cannot be read at all."""

    kind = "malformed"


class UnsupportedTypeError(RoostError):
    """A body in another form."""

    kind = "unsupported_type"


class ClientGoneError(Exception):
    """The client went away; there is nobody to answer."""


def header(scope: Scope, name: bytes) -> str:
    """A header's value, "" without it."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def content_type(scope: Scope) -> str:
    """The media type of the body, without its parameters."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def query(scope: Scope) -> dict[str, list[str]]:
    """The query, every value of each name. Raises MalformedError."""
    values: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=64
        )
    except ValueError as error:
        raise MalformedError("the query cannot be read: it must be name=value pairs in UTF-8, 64 at most") from error
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


async def read_body(scope: Scope, receive: Any, limit_bytes: int = MOST_BODY_BYTES) -> bytes:
    """The whole body. Raises TooLargeError, as early as that can be known, and ClientGoneError."""
    told = header(scope, b"content-length")
    too_large = TooLargeError(f"the body is larger than {limit_bytes} bytes; send it in pieces")
    if told.isdigit() and int(told) > limit_bytes:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGoneError
                piece = message.get("body", b"")
                size += len(piece)
                if size > limit_bytes:
                    raise too_large
                pieces.append(piece)
                if not message.get("more_body", False):
                    return b"".join(pieces)
    except TimeoutError:
        raise RoostError(f"the body did not arrive within {BODY_S:g} s", kind="timeout") from None


def json_object(body: bytes, scope: Scope) -> dict[str, Any]:
    """The JSON object in a body; an empty body is an empty one. Raises MalformedError, UnsupportedTypeError."""
    given = content_type(scope)
    if given and given != JSON:
        raise UnsupportedTypeError(f"the body is {given[:100]}; send {JSON}")
    if not body:
        return {}
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"the body is no JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise MalformedError("the body must be a JSON object")
    return decoded


def convert(given: Mapping[str, Any], kind: type[T], *, strict: bool) -> T:
    """Parameters as their type has them; not `strict`: all of them are texts. Raises InvalidError that names one."""
    try:
        return msgspec.convert(given, kind, strict=strict)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidError(
            str(error).replace("Object contains", "there is an").replace("Object missing", "there is no")
        ) from error


async def send_bytes(
    send: Any, body: bytes, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> None:
    """A whole answer."""
    given = {"Cache-Control": "no-store", **(headers or {})}
    lines = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in given.items()]
    if media_type:
        lines.append((b"content-type", media_type.encode()))
    if status != 204:
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_json(send: Any, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
    """A value as JSON."""
    await send_bytes(send, msgspec.json.encode(value), JSON, status, headers)


async def begin(send: Any, media_type: str, headers: Mapping[str, str] | None = None) -> None:
    """The head of an answer that goes on as long as there is something to tell; proxies are asked not to hold it."""
    lines = [
        (b"content-type", media_type.encode()),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        *((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in (headers or {}).items()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": lines})


async def more(send: Any, body: bytes) -> None:
    """A piece of it."""
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def end(send: Any) -> None:
    """Its end."""
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_gone(receive: Any, work: Awaitable[T]) -> T:
    """The result of `work`, which is given up when the client goes away first. Raises ClientGoneError.

    The body must have been read: what comes after it is the end.
    """

    async def watch() -> None:
        while (await receive())["type"] == "http.request":
            pass
        raise ClientGoneError

    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(watch())
            try:
                return await work
            finally:
                watcher.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
