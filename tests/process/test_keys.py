"""Keys and pastes as programs receive them."""

from __future__ import annotations

import sys

import pytest
from support.instance import Instance, eventually

from roost.client import Client, Session
from roost.errors import InvalidError, NoRunError

#: Sets modes, says so, and then shows what it reads, in hexadecimal.
READER = """
import os, sys, tty
tty.setraw(0)
os.write(1, sys.argv[1].encode("latin-1").decode("unicode_escape").encode("latin-1") + b"ready\\r\\n")
while data := os.read(0, 65536):
    os.write(1, data.hex().encode() + b" ")
"""


def reader(client: Client, modes: str) -> Session:
    session = client.spawn([sys.executable, "-c", READER, modes])
    eventually(lambda: b"ready" in session.backlog().data)
    return session


def received(session: Session, length: int) -> bytes:
    """What the program has read, once it is that long."""

    def read() -> bytes | None:
        shown = session.backlog().data.partition(b"ready\r\n")[2]
        data = bytes.fromhex(shown.rpartition(b" ")[0].replace(b" ", b"").decode())
        return data if len(data) >= length else None

    return eventually(read, what=f"{length} bytes arrive") or b""


def test_keys_follow_the_modes_that_the_program_has_set(client: Client, shared: Instance) -> None:
    session = reader(client, r"\x1b[?1h\x1b=")
    sent = session.keys("Up", "KP5", "C-c", "M-x", text="é")
    expected = "é".encode() + b"\x1bOA\x1bOu\x03\x1bx"
    assert (sent.written, received(session, len(expected))) == (len(expected), expected)
    assert sent.session_id == session.id and not sent.inexact
    plain = reader(client, "")
    done = shared.roost("keys", plain.name, "Up", "S-Enter")
    assert b"the program cannot tell S-Enter" in done.stderr
    assert received(plain, 4) == b"\x1b[A\r"
    kitty = reader(client, r"\x1b[>1u")
    assert shared.roost("keys", "--to", kitty.id, "S-Enter").stderr == b""
    assert received(kitty, 7) == b"\x1b[13;2u"


def test_an_unknown_name_is_refused_before_a_byte_is_written(client: Client, shared: Instance) -> None:
    session = reader(client, "")
    with pytest.raises(InvalidError, match="did you mean Enter"):
        session.keys("a", "Entre")
    done = shared.roost("keys", "--to", session.id, "a", "Entre", check=False)
    assert (done.returncode, b"did you mean Enter" in done.stderr) == (1, True)
    session.keys("z")
    assert received(session, 1) == b"z"


def test_a_first_word_that_is_no_key_is_the_session(client: Client, shared: Instance) -> None:
    session = reader(client, "")
    client.rename(session.id, "editor")
    shared.roost("keys", "editor", "a")
    shared.roost("keys", "--to", "editor", "--text", "hi", "Enter")
    assert received(session, 4) == b"ahi\r"
    done = shared.roost("keys", "editr-x", "a", check=False)
    assert b"neither a key nor a session" in done.stderr
    with pytest.raises(NoRunError):
        client.keys("nobody", "a")


def test_text_is_pasted_in_brackets_where_the_program_asked_for_them(client: Client, shared: Instance) -> None:
    session = reader(client, r"\x1b[?2004h")
    shared.roost("send", "--to", session.id, "one\ntwo\x1b[201~three")
    expected = b"\x1b[200~one\rtwo[201~three\x1b[201~\r"
    assert received(session, len(expected)) == expected
    typed = reader(client, r"\x1b[?2004h")
    shared.roost("send", "--to", typed.id, "--type", ":wq")
    shared.roost("send", "--to", typed.id, "--raw", "\x1b[201~")
    assert received(typed, 10) == b":wq\r\x1b[201~"
    plain = reader(client, "")
    shared.roost("send", "--to", plain.id, "one\ntwo")
    assert received(plain, 8) == b"one\ntwo\r"


def test_a_long_paste_has_one_pair_of_brackets(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", READER, r"\x1b[?2004h"], ring_bytes=16 << 20)
    eventually(lambda: b"ready" in session.backlog().data)
    text = b"a line of text\n" * 90_000
    sent = session.send(text, paste=True, enter=True)
    assert sent.written == len(text) + 13
    got = received(session, sent.written)
    assert got == b"\x1b[200~" + text.replace(b"\n", b"\r") + b"\x1b[201~\r"


def test_a_session_without_a_terminal_has_no_keys(client: Client) -> None:
    session = client.spawn(["cat"], pipe=True)
    with pytest.raises(InvalidError, match="no terminal"):
        session.keys("a")
    session.close_stdin()
