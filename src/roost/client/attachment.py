"""The blocking attachment: moves bytes between the socket and the pure `AttachmentState`.

Owns the socket of one attachment and its renewal. What the frames mean is in `stream`, when to try again in `retry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from roost.model import AttachmentEvent


class Attachment:
    """A client's place in the output of one session, and its hand on the session's input.

    Iterate over it, or `recv` with a timeout: the events are Output, Gap, Resized, Reconnected and, as the last one,
    Exited, Detached or Stolen. When the daemon goes away the attachment comes back by itself, at its offset, within
    `recv` and `write`: neither gap nor repeat, and Reconnected tells how much input may not have arrived.
    One thread at a time.
    """

    session_id: str
    name: str
    kind: str
    #: Absolute offset of the first byte that was asked for and is retained, and where the stream stood at the attach.
    start_offset: int
    end_offset: int
    #: Bytes to write to the terminal first: the modes that were set at `start_offset`.
    restore: bytes
    #: The modes at `start_offset` are not known for certain.
    uncertain: bool
    attachment_id: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[AttachmentEvent]:
        """The events, until after the last one."""
        raise NotImplementedError

    @property
    def offset(self) -> int:
        """Absolute offset behind the last byte that `recv` returned."""
        raise NotImplementedError

    @property
    def reset(self) -> bytes:
        """Bytes that put the terminal back as it was found; known after the last event."""
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether the daemon is there; if not, `recv` is what brings it back."""
        raise NotImplementedError

    @property
    def input_bytes_unsent(self) -> int:
        """Input that was accepted by `write` and still waits here, at most 64 KiB."""
        raise NotImplementedError

    def fileno(self) -> int:
        """The descriptor to poll for reading, -1 while there is no connection (call `recv` with a short timeout then).

        It changes with a reconnect. Events may be waiting here already: call `recv(0)` until it times out, then poll.
        """
        raise NotImplementedError

    def recv(self, timeout_s: float | None = None) -> AttachmentEvent | None:
        """The next event, None after the last one.

        WaitTimeoutError when none came in time: nothing is lost, a frame that came in part is kept. Other errors end
        the attachment: the session is gone, somebody else holds it, or no daemon came back for 60 s.
        """
        raise NotImplementedError

    def write(self, data: bytes, *, timeout_s: float | None = None) -> None:
        """Sends input; returns when all of it is with the kernel, or waits here (at most 64 KiB) for a lost connection.

        Output that arrives meanwhile is kept for `recv`, so that a program that echoes cannot block it.
        WaitTimeoutError when the session did not take it in time: `written` says how much was accepted.
        """
        raise NotImplementedError

    def resize(self, rows: int, cols: int) -> None:
        """Tells the session the size of this client's terminal."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Interrupts the foreground program, as Ctrl-C would."""
        raise NotImplementedError

    def close_stdin(self) -> None:
        """Closes the stdin of a pipe session's child, after the input written so far."""
        raise NotImplementedError

    def detach(self) -> None:
        """Asks to be detached; what is under way still comes, then Detached."""
        raise NotImplementedError

    def close(self) -> None:
        """Leaves at once; the session runs on."""
        raise NotImplementedError
