"""What is typed into a session without attaching, in the modes that its program has set: Enter, and pastes.

Owns what the bytes are; knows nothing of requests and of how input reaches the child.
"""

from __future__ import annotations

from roost.core.keys import Key, KeyModes, encode_key
from roost.core.paste import PASTE_BEGIN, PASTE_END, typed_text
from roost.daemon.session import Session


def key_modes(session: Session) -> KeyModes:
    """The modes that decide about keys, as of the last byte of output; those of a fresh terminal without one."""
    stream = session.streams["stdout"]
    if stream.scanner is None:
        return KeyModes()
    stream.scan_to_end()
    return KeyModes.of(stream.scanner.modes)


def wants_brackets(session: Session) -> bool:
    """Whether the program has asked to be told where a paste begins and ends."""
    stream = session.streams["stdout"]
    if stream.scanner is None:
        return False
    stream.scan_to_end()
    return bool(stream.scanner.modes.is_set(2004))


def pasted(session: Session, data: bytes, part: str) -> tuple[bytes, bool]:
    """Text as a paste, and whether it is (now) within brackets. part: `whole`, or `begin`, `more`, `end` of a long one.

    Without brackets the text is typed as it is. Inside, line ends become CR as in every terminal, and controls, which
    could end the paste early, are left out.
    """
    if part in ("whole", "begin") and not wants_brackets(session):
        return data, False
    clean = typed_text(data)[0].replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    begin = PASTE_BEGIN if part in ("whole", "begin") else b""
    return begin + clean + (PASTE_END if part in ("whole", "end") else b""), part in ("begin", "more")


def enter_bytes(session: Session) -> bytes:
    """What Enter sends: the key of a terminal, a line feed for a pipe."""
    return encode_key(Key("Enter"), key_modes(session)).data if session.is_pty else b"\n"
