"""Daemons that are reached over HTTP: where they are, with which credential, and calls performed there.

Owns the address, the token (from the environment, never from an argument) and one connection a call. Light until it is
used: a target is only looked at for how it begins.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote, urlsplit

from roost.client.calls import Call, Ping, Request
from roost.client.deadline import Deadline
from roost.client.faults import ConnectionLostError, DaemonAbsentError
from roost.client.opening import SpawnOrder
from roost.core.problems import MOST_ERROR_BYTES, error_of
from roost.core.targets import is_address, split_address
from roost.errors import InvalidError, ProtocolError, RoostError
from roost.model.sessions import SessionInfo
from roost.wire.http1 import AnswerReader, encode_request
from roost.wire.requests import Reply

T = TypeVar("T")

_READ_BYTES = 256 * 1024
#: An answer is no longer than on the daemon's own socket, and a third more because of its form.
_MOST_ANSWER_BYTES = 24 << 20


@dataclass(frozen=True, slots=True)
class FarDaemon:
    """A daemon's HTTP address: `http://host:port`."""

    base: str

    @property
    def authority(self) -> str:
        """`host:port`, as in a Host header."""
        return urlsplit(self.base).netloc

    @property
    def secure(self) -> bool:
        """Whether it is https."""
        return self.base.startswith("https:")

    def headers(self) -> list[tuple[str, str]]:
        """What every request carries. Raises InvalidError when the file with the token cannot be read."""
        token = token_of(os.environ)
        return [("User-Agent", "roost"), *([("Authorization", f"Bearer {token}")] if token else [])]

    def connect(self, timeout_s: float | None) -> socket.socket:
        """A connected blocking socket. Raises DaemonAbsentError."""
        parts = urlsplit(self.base)
        port = parts.port or (443 if self.secure else 80)
        try:
            connection = socket.create_connection((parts.hostname or "", port), timeout_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.secure:
                return ssl.create_default_context().wrap_socket(connection, server_hostname=parts.hostname)
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise DaemonAbsentError(
                f"no daemon answers at {self.base}: {reason}; `roost serve` on its machine shows where it listens"
            ) from error
        return connection


def token_of(environ: Mapping[str, str]) -> str:
    """The bearer token: ROOST_TOKEN, or what the file ROOST_TOKEN_FILE holds; "" without one. Raises InvalidError."""
    path = environ.get("ROOST_TOKEN_FILE")
    if environ.get("ROOST_TOKEN") or not path:
        return environ.get("ROOST_TOKEN", "").strip()
    try:
        with open(path, encoding="ascii") as file:
            return file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"ROOST_TOKEN_FILE {path} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class FarRequest(Generic[T]):
    """A request, and the daemon that it is for."""

    daemon: FarDaemon
    request: Request[T]

    def perform(self, deadline: Deadline) -> T:
        """Ask. Raises what the daemon answered, UnavailableError or WaitTimeoutError. Blocks."""
        return perform(self.daemon, self.request, deadline)


def far_call(request: Request[T]) -> FarRequest[T] | None:
    """A call as it is made at the daemon that its targets name; None when they name none."""
    if not isinstance(request, Call):
        return None
    given = request.params.get("target")
    if isinstance(given, str) and is_address(given):
        base, target = split_address(given)
        return FarRequest(FarDaemon(base), replace(request, params={**request.params, "target": target}))
    targets = request.params.get("targets") or ()
    if not any(is_address(target) for target in targets):
        return None
    split = [split_address(target) if is_address(target) else ("", target) for target in targets]
    if len({base for base, _ in split}) > 1:
        raise InvalidError("the targets are sessions of several daemons; name those of one at a time")
    there = replace(request, params={**request.params, "targets": [one for _, one in split]})
    return FarRequest(FarDaemon(split[0][0]), there)


def perform(daemon: FarDaemon, request: Request[T], deadline: Deadline) -> T:
    """Perform a call there. Raises what the daemon answered, UnavailableError or WaitTimeoutError."""
    if isinstance(request, Ping):
        health = _ask(daemon, "GET", "/v1/health", b"", deadline, request.what)
        return float(health["at"])
    if isinstance(request, SpawnOrder):
        created = _call(daemon, "sessions.create", spawn_params(request), b"", deadline)
        return SessionInfo.from_json(created["session"]), created["existing"]
    if not isinstance(request, Call):
        raise InvalidError(f"{request.what} cannot be asked of a daemon over HTTP")
    given = {name: value for name, value in request.params.items() if value is not None}
    body = {"params": given, "data": base64.b64encode(request.data).decode()}
    answer = _ask(daemon, "POST", f"/v1/calls/{quote(request.what)}", _json(body), deadline, request.what)
    reply = Reply(result=json.dumps(answer["result"]).encode(), data=base64.b64decode(answer.get("data", "")))
    return cast(T, request.answer(reply))


def _call(daemon: FarDaemon, what: str, params: Mapping[str, Any], data: bytes, deadline: Deadline) -> Any:
    return _ask(daemon, "POST", f"/v1/calls/{what}", _json({"params": params}), deadline, what)["result"]


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidError(f"the arguments cannot be sent: {error}") from error


def _ask(daemon: FarDaemon, method: str, path: str, body: bytes, deadline: Deadline, what: str) -> Any:
    with opened(daemon, method, path, body, deadline) as (connection, reader, first):
        parts = [first]
        size = len(first)
        while not reader.done:
            part = receive(connection, reader, deadline, what)
            parts.append(part)
            size += len(part)
            if size > _MOST_ANSWER_BYTES:
                raise ProtocolError(f"the answer to {what} is larger than {_MOST_ANSWER_BYTES} bytes")
    try:
        return json.loads(b"".join(parts))
    except ValueError as error:
        raise ProtocolError(f"what answers at {daemon.base} is no roost: {error}") from error


@contextmanager
def opened(
    daemon: FarDaemon,
    method: str,
    path: str,
    body: bytes,
    deadline: Deadline,
    headers: tuple[tuple[str, str], ...] = (),
) -> Iterator[tuple[socket.socket, AnswerReader, bytes]]:
    """A request made: its connection, the reader of a good answer, and what of the body is there already.

    Raises what a bad answer stands for; no more than 4 KiB of it are read.
    """
    connection = daemon.connect(_patience(deadline))
    try:
        kind = (("Content-Type", "application/json"),) if body else ()
        connection.settimeout(_patience(deadline))
        connection.sendall(encode_request(method, path, daemon.authority, [*daemon.headers(), *kind, *headers], body))
        reader = AnswerReader()
        first = b""
        while not reader.status:
            first = receive(connection, reader, deadline, path)
        if reader.status >= 300:
            while not reader.done and len(first) < MOST_ERROR_BYTES:
                try:
                    first += receive(connection, reader, deadline, path)
                except RoostError:
                    break
            raise error_of(reader.status, first[:MOST_ERROR_BYTES])
        yield connection, reader, first
    except TimeoutError:
        raise deadline.error(f"{daemon.base} did not answer") from None
    except OSError as error:
        lost = f"the connection to {daemon.base} was lost: {error.strerror or error}"
        raise ConnectionLostError(lost, delivered=True) from error
    finally:
        connection.close()


def receive(connection: socket.socket, reader: AnswerReader, deadline: Deadline, what: str) -> bytes:
    """More of a body. Raises ConnectionLostError at an end that comes too early."""
    connection.settimeout(_patience(deadline))
    data = connection.recv(_READ_BYTES)
    if data:
        return reader.feed(data)
    try:
        reader.feed_eof()
    except ProtocolError as error:
        raise ConnectionLostError(
            f"the connection ended in the middle of the answer to {what}", delivered=True
        ) from error
    return b""


def _patience(deadline: Deadline) -> float | None:
    """What is left, as a socket takes it: never 0, which would mean something else."""
    left = deadline.remaining_s()
    return None if left is None else max(0.001, left)


def spawn_params(order: SpawnOrder) -> dict[str, Any]:
    """A spawn as `sessions.create` takes it. Raises InvalidError for what cannot travel so."""
    options = order.options
    if options.tees:
        raise InvalidError(
            "tees cannot be asked for in a spawn over HTTP; add them with add_tee on the daemon's machine"
        )
    pairs = [entry.partition(b"=") for entry in options.env.split(b"\0") if entry]
    return {
        "argv": [os.fsdecode(word) for word in options.argv],
        "cwd": os.fsdecode(options.cwd or b""),
        "env": {os.fsdecode(key): os.fsdecode(value) for key, _, value in pairs},
        "environment": "none",
        "name": options.name or "",
        "pipe": options.pipe,
        "merge_stderr": options.merge_stderr,
        "rows": options.rows,
        "cols": options.cols,
        "originator": options.originator,
        "labels": dict(options.labels),
        "ring_bytes": options.ring_bytes or 0,
        "size_policy": options.size_policy or "latest",
        "term": options.term or "",
        "umask": options.umask,
        "limits": dict(options.limits),
        "spawn_id": options.spawn_id,
        "options": json.loads(options.options) if options.options else {},
    }
