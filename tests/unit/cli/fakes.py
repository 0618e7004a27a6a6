"""A client and an attachment without a daemon: scripted answers, recorded calls."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Self

from roost.errors import WaitTimeoutError
from roost.model import AttachmentEvent, Detached, SessionInfo


class FakeSession:
    """What `spawn` and `restart` give."""

    id = "s-new"
    name = "new"

    def info(self) -> SessionInfo:
        return SessionInfo(id=self.id, name=self.name)


class FakeClient:
    """Answers each verb with what `answers` holds for it, calling it if it can be; records every call."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None: ...

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb.startswith("_") or verb not in self.answers:
            raise AttributeError(verb)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((verb, args, kwargs))
            answer = self.answers[verb]
            if isinstance(answer, BaseException):
                raise answer
            return answer(*args, **kwargs) if callable(answer) else answer

        return call


class FakeAttachment:
    """Plays events; a byte in its socket is an event that can be received. Records what is typed."""

    restore = b""
    reset = b"<reset>"
    connected = True
    wants_write = False
    input_bytes_unsent = 0
    offset = 0

    def __init__(self, events: Iterable[AttachmentEvent] = ()) -> None:
        self._events: deque[AttachmentEvent] = deque()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.typed = b""
        self.sizes: list[tuple[int, int]] = []
        self.closed = False
        for event in events:
            self.play(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def play(self, event: AttachmentEvent) -> None:
        """Makes an event ready to be received."""
        self._events.append(event)
        self._theirs.send(b"e")

    def fileno(self) -> int:
        return self._ours.fileno()

    def recv(self, timeout_s: float | None = None) -> AttachmentEvent | None:
        if not self._events:
            if self.closed:
                return None
            raise WaitTimeoutError("no event came")
        self._ours.recv(1)
        return self._events.popleft()

    def write(self, data: bytes, *, timeout_s: float | None = None) -> None:
        self.typed += data

    def resize(self, rows: int, cols: int) -> None:
        self.sizes.append((rows, cols))

    def detach(self) -> None:
        self.play(Detached("detached"))

    def close(self) -> None:
        """Gives the sockets back."""
        if not self.closed:
            self.closed = True
            self._ours.close()
            self._theirs.close()


def open_terminal() -> tuple[int, int]:
    """Both ends of a pseudo-terminal: the person's and the program's."""
    person, program = os.openpty()
    os.set_blocking(person, False)
    return person, program
