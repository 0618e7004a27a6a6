"""Clients of plain v1 at a terminal, with a child that says what it was given, and who serves their connections."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import Iterator

from roost.keeper import messages as m
from support.instance import Instance, eventually
from support.keeper_harness import Peer
from support.v1 import V1Client

#: Says what it is given, but for two bytes: 1 asks for a bulk of output, 2 for a digest of all that came before it.
CHILD = """
import hashlib, os, re, termios, tty
tty.setraw(0, termios.TCSANOW)
def say(data):
    data = memoryview(data)
    while data:
        data = data[os.write(1, data):]
say(b"ready\\n")
digest, bulk = hashlib.sha256(), bytes(33 + i % 90 for i in range({bulk}))
quiet = False
while True:
    data = os.read(0, 65536)
    at = 0
    while at < len(data):
        found = re.compile(b"[\\1-\\4]").search(data, at)
        end = found.start() if found else len(data)
        digest.update(data[at:end])
        if not quiet:
            say(data[at:end])
        if end < len(data):
            what = data[end]
            if what == 1:
                say(bulk)
            elif what == 2:
                say(b"<" + digest.hexdigest().encode() + b">")
            elif what == 3:
                quiet = not quiet
            else:
                say(b"the end")
                os._exit(7)
        at = end + 1
"""
BULK, DIGEST, QUIET, END = b"\1", b"\2", b"\3", b"\4"


def bulk_of(size: int) -> bytes:
    return bytes(33 + i % 90 for i in range(size))


class Typist(V1Client):
    """A v1 client of a session of its own, attached."""

    def __init__(self, instance: Instance, *, bulk: int = 1000, session: str = "", **attach: object) -> None:
        super().__init__(instance.socket)
        self.instance = instance
        with V1Client(instance.socket) as other:
            child = CHILD.format(bulk=bulk)
            self.session = session or other.spawn(sys.executable, "-I", "-S", "-c", child).session_id
        answer = self.attach(self.session, **attach)
        if answer.code:
            self.sock.close()
        assert answer.code == 0, answer.message
        if not session:
            self.until(b"ready\n", answer.attach_pty_session.backlog)
        self.typed = hashlib.sha256()

    def key(self, data: bytes) -> None:
        """Type something and read it back."""
        self.type(data)
        self.typed.update(data)
        assert self.exactly(len(data)) == data

    def exactly(self, count: int) -> bytes:
        """So many bytes of output; not one more is there then."""
        seen = b""
        while len(seen) < count:
            frame = self.frame()
            assert frame.WhichOneof("frame") == "output", frame
            seen += frame.output
        return seen

    def is_lent(self) -> bool:
        return lent(self.instance, self.session)

    def until_lent(self) -> None:
        """Type until the keeper has the connection."""

        def one_more() -> bool:
            self.key(b"k")
            return self.is_lent()

        eventually(one_more, what="the connection is lent")

    def check_digest(self) -> None:
        """The child was given exactly what was typed."""
        self.type(DIGEST)
        assert self.exactly(66) == b"<" + self.typed.hexdigest().encode() + b">"


def lent(instance: Instance, session: str) -> bool:
    """Whether the keeper serves a client's connection just now, as it says."""
    peer = Peer(os.path.join(os.path.dirname(instance.socket), "keeper.sock"))
    try:
        peer.hello("probe")
        entry = next(one for one in peer.list() if one.text(m.T_ID) == session)
        return bool(entry.list(m.T_GUEST))
    finally:
        peer.close()


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
