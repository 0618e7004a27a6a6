"""The last frame that a client of a session gets: why it has to go, and what puts its terminal back.

Owns the choice of the frame by the client's protocol (PTY or pipe, extended or plain v1). Knows nothing of who is
attached besides or of what led to the end.
"""

from __future__ import annotations

from roost.daemon.attachment import Attachment, AttachmentTraits
from roost.wire import frames
from roost.wire.frames import ExitInfo

_TEXTS = {"terminated": "session terminated by request"}


def last_frame(attachment: Attachment, why: str, by: str = "") -> bytes:
    """Why the client has to go: stolen (by whom), detached, terminated, or a text of its own."""
    traits = attachment.traits
    reset = reset_bytes(attachment) if traits.extended else None
    if why == "stolen":
        return attachment.ending_at(frames.pipe_stolen(by, reset) if traits.pipe else frames.pty_stolen(by, reset))
    if traits.pipe and not traits.extended:
        return frames.pipe_eof()
    text = _TEXTS.get(why, why)
    last = frames.pipe_error(text, reset=reset) if traits.pipe else frames.pty_error(text, reset=reset)
    return attachment.ending_at(last)


def exit_frame(traits: AttachmentTraits, info: ExitInfo, reset: bytes | None) -> bytes:
    """The terminal frame for an exit: v1's code (-n for a signal), or an error where the code is unknown."""
    roost = info if traits.extended else None
    tail = (reset or b"") if traits.extended else b""
    encode = frames.pipe_exit if traits.pipe else frames.pty_exit
    return encode(info.code, roost, tail)


def finish_with_exit(attachment: Attachment, info: ExitInfo) -> None:
    """Let a client of an exited session have what is left, then the exit."""
    until = attachment.stream.ring.exit_offset
    if until is None:
        until = attachment.stream.ring.end
    reset = reset_bytes(attachment) if attachment.traits.extended else None
    last = attachment.ending_at(exit_frame(attachment.traits, info, reset), until)
    attachment.finish(last, until=max(until, attachment.offset))


def reset_bytes(attachment: Attachment) -> bytes:
    """What puts a terminal back that shows this session."""
    stream = attachment.stream
    if stream.scanner is None:
        return b""
    end = stream.scan_to_end()
    return stream.scanner.reset_string(end if attachment.reads_locally else attachment.offset)
