"""Writing input that no attached client typed, and waiting until the child has taken it.

Owns the wait and what is withdrawn at its end. Who may send, and what is kept of it, is the service's business.
"""

from __future__ import annotations

import asyncio

from roost.daemon.session import Session
from roost.daemon.session_typing import CANONICAL_LINE_BYTES
from roost.errors import InvalidError, WaitTimeoutError, WrongStateError

#: How long a send waits for the child to take its input.
SEND_TIMEOUT_S = 30.0


def check_input(session: Session, data: bytes) -> None:
    """Raises WrongStateError for a session that takes no input, InvalidError for a line that its terminal would cut."""
    if session.input is None or not session.live:
        raise WrongStateError(f"session {session.record.name} takes no input: it has exited or its stdin is closed")
    if session.is_pty and session.typing.canonical():
        _check_lines(data)


async def write_input(loop: asyncio.AbstractEventLoop, session: Session, data: bytes, timeout_s: float) -> int:
    """Write checked input; the number of bytes, all of them. Raises WaitTimeoutError (the rest is withdrawn) and
    WrongStateError."""
    assert session.input is not None
    done: asyncio.Future[None] = loop.create_future()
    written = 0

    def on_written(count: int, error: OSError | None) -> None:
        nonlocal written
        written += count
        if done.done():
            return
        if error is not None:
            done.set_exception(
                WrongStateError(f"session {session.record.name} takes no more input: {error.strerror or error}")
            )
        elif written == len(data):
            done.set_result(None)

    session.typing.mark()
    session.input.write(data, done, on_written)
    try:
        await asyncio.wait_for(asyncio.shield(done), timeout_s)
    except TimeoutError:
        raise WaitTimeoutError(
            f"session {session.record.name} took {written} of {len(data)} bytes in {timeout_s:g} s; "
            "the rest was not sent"
        ) from None
    finally:
        if not done.done():
            done.cancel()
            if session.input is not None:
                session.input.purge(done)
    return written


def _check_lines(data: bytes) -> None:
    longest = max((len(line) for line in data.replace(b"\r", b"\n").split(b"\n")), default=0)
    if longest > CANONICAL_LINE_BYTES:
        raise InvalidError(
            f"a line of {longest} bytes: the program reads whole lines and its terminal keeps "
            f"{CANONICAL_LINE_BYTES} bytes of one; send shorter lines, or a file name"
        )
