"""A real keeper for a test, and a daemon's end to talk to it with. Everything started is ended, by pid."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from roost.errors import RoostError, error_of_kind
from roost.keeper import messages as m
from roost.keeper.launch import start_keeper
from roost.keeper.transport import receive_packet, send_packet
from roost.paths import Paths
from roost.platform import boot_id
from roost.ring.reader import RingReader

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
TIMEOUT_S = 20.0

Fields = Iterable[tuple[int, bytes | int | float | str]]


class Peer:
    """A connection to a keeper: request and answer, notices kept aside."""

    def __init__(self, address: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.connect(address)  # before the timeout: a connect that does not block may find the queue full
        self.sock.settimeout(TIMEOUT_S)
        self.notices: list[m.Message] = []
        self._seq = itertools.count(1)

    def hello(self, role: str = "daemon", fields: Fields = ()) -> m.Message:
        own = [(m.T_VERSION, m.VERSION), (m.T_MIN_VERSION, m.MIN_VERSION), (m.T_ROLE, role), (m.T_BOOT_ID, boot_id())]
        return self.call(m.HELLO, [*own, *fields])

    def ask(self, type: int, fields: Fields = ()) -> int:
        seq = next(self._seq)
        send_packet(self.sock, m.encode(type, seq, fields))
        return seq

    def answer(self, seq: int) -> tuple[m.Message, list[int]]:
        while True:
            received = receive_packet(self.sock)
            if received is None:
                raise EOFError("the keeper closed the connection")
            message, fds = received
            if message.seq == 0:
                self.notices.append(message)
                continue
            assert message.seq == seq
            kind = message.text(m.T_ERROR_KIND)
            if kind:
                raise error_of_kind(kind, message.text(m.T_ERROR_TEXT))
            return message, fds

    def call_with_fds(self, type: int, fields: Fields = ()) -> tuple[m.Message, list[int]]:
        return self.answer(self.ask(type, fields))

    def call(self, type: int, fields: Fields = ()) -> m.Message:
        message, fds = self.call_with_fds(type, fields)
        for fd in fds:
            os.close(fd)
        return message

    def notice(self, type: int, id: str) -> m.Message:
        """The next notice of that type about that session; others are kept."""
        seen = 0
        while True:
            while seen < len(self.notices):
                message = self.notices[seen]
                if message.type == type and (not id or message.text(m.T_ID) == id):
                    return self.notices.pop(seen)
                seen += 1
            received = receive_packet(self.sock)
            if received is None:
                raise EOFError("the keeper closed the connection")
            assert received[0].seq == 0
            self.notices.append(received[0])

    def spawn(self, *argv: str | bytes, kind: str = "pty", fields: Fields = (), id: str = "") -> Child:
        id = id or "s-" + secrets.token_hex(4)
        own: list[tuple[int, bytes | int | float | str]] = [(m.T_ID, id), (m.T_KIND, kind)]
        own += [(m.T_ARG, os.fsencode(arg)) for arg in argv]
        own += [(m.T_ENV, b"PATH=/usr/bin:/bin"), *fields]
        return Child(self, kind, *self.call_with_fds(m.SPAWN, own))

    def fetch(self, id: str, kind: str = "pty") -> Child:
        return Child(self, kind, *self.call_with_fds(m.FETCH, [(m.T_ID, id)]))

    def list(self, limit: int = 0) -> list[m.Message]:
        entries: list[m.Message] = []
        after = ""
        while True:
            page = self.call(m.LIST, [(m.T_AFTER, after), (m.T_LIMIT, limit)])
            entries += [m.decode_fields(body) for body in page.list(m.T_ENTRY)]
            if not page.u64(m.T_MORE):
                return entries
            after = entries[-1].text(m.T_ID)

    def close(self) -> None:
        self.sock.close()


class Ring:
    """One output stream as a daemon sees it."""

    def __init__(self, ring_fd: int, event_fd: int) -> None:
        self.reader = RingReader(ring_fd)
        os.close(ring_fd)
        self.event_fd = event_fd

    def wait(self, condition: Callable[[], bool], offset: int | None = None) -> None:
        """Until the condition holds; woken by the keeper, as a daemon is."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, "timed out"
            at = self.reader.end if offset is None else offset
            if self.reader.prepare_wait(at) and not condition():
                select.select([self.event_fd], [], [], TIMEOUT_S)
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self.event_fd)

    def read_until(self, text: bytes, offset: int = 0) -> bytes:
        got = b""

        def found() -> bool:
            nonlocal got, offset
            while data := self.reader.read(offset):
                got += data
                offset += len(data)
            assert data is not None, f"what comes behind {offset} is overwritten already"
            return text in got

        self.wait(found)
        return got

    def all(self, offset: int = 0, end: int | None = None) -> bytes:
        got = b""
        while data := self.reader.read(offset):
            got += data
            offset += len(data)
        return got if end is None else got[:end]

    def close(self) -> None:
        self.reader.release()
        os.close(self.event_fd)


class Child:
    """A session as a daemon sees it after SPAWN or FETCH."""

    def __init__(self, peer: Peer, kind: str, answer: m.Message, fds: list[int]) -> None:
        self.peer = peer
        self.kind = kind
        self.answer = answer
        self.id = answer.text(m.T_ID)
        self.pid = answer.u64(m.T_PID)
        self.input_fd = fds.pop(0) if answer.u64(m.T_STDIN_OPEN) else None
        self.room_event = fds.pop()
        self.rings = [Ring(*fds[at : at + 2]) for at in range(0, len(fds), 2)]

    @property
    def out(self) -> Ring:
        return self.rings[0]

    def write(self, data: bytes) -> None:
        assert self.input_fd is not None
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.input_fd, view) :]
            except BlockingIOError:
                select.select([], [self.input_fd], [], TIMEOUT_S)

    def close_input(self) -> None:
        if self.input_fd is not None:
            os.close(self.input_fd)
            self.input_fd = None

    def exited(self) -> m.Message:
        return self.peer.notice(m.EXITED, self.id)

    def drop(self) -> None:
        self.peer.call(m.DROP, [(m.T_ID, self.id)])

    def close(self) -> None:
        self.close_input()
        os.close(self.room_event)
        for ring in self.rings:
            ring.close()


class KeeperProcess:
    """A keeper in its own directories and scope."""

    def __init__(self, directory: Path, *, options: Iterable[str] = ()) -> None:
        runtime, state = directory / "run", directory / "state"
        runtime.mkdir(mode=0o700)
        state.mkdir(mode=0o700)
        self.paths = Paths("t" + secrets.token_hex(6), str(runtime), str(state), uid=os.getuid())
        start_keeper(self.paths, options=tuple(options))
        self.peers: list[Peer] = []
        probe = Peer(self.paths.keeper_socket)
        self.pid = probe.call(m.PING).u64(m.T_PID)
        self.pidfd = os.pidfd_open(self.pid)
        probe.close()

    def connect(self, *, by_name: bool = False) -> Peer:
        peer = Peer(self.paths.abstract_name if by_name else self.paths.keeper_socket)
        self.peers.append(peer)
        return peer

    def daemon(self, fields: Fields = ()) -> Peer:
        peer = self.connect()
        peer.hello("daemon", fields)
        return peer

    def has_ended(self, timeout_s: float = 0) -> bool:
        return bool(select.select([self.pidfd], [], [], timeout_s)[0])

    def log(self) -> str:
        return Path(self.paths.keeper_log).read_text()

    def stop(self) -> None:
        for peer in self.peers:
            peer.close()
        children = self.children()
        if not self.has_ended():
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            assert self.has_ended(TIMEOUT_S)
        os.close(self.pidfd)
        for pid in children:  # whoever ignores the hang-up
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert "fault" not in self.log(), self.log()
        assert "Traceback" not in self.log(), self.log()

    def children(self) -> list[int]:
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            return []


@contextlib.contextmanager
def running_keeper(directory: Path, *, options: Iterable[str] = ()) -> Iterator[KeeperProcess]:
    """A keeper for the time of a test, and nothing of it afterwards."""
    keeper = KeeperProcess(directory, options=options)
    try:
        yield keeper
    finally:
        keeper.stop()


def refusal(call: Callable[[], object]) -> RoostError:
    """The error that a call is answered with."""
    try:
        call()
    except RoostError as error:
        return error
    raise AssertionError("not refused")


def python(code: str) -> tuple[str, ...]:
    """A command that runs this Python code."""
    return (sys.executable, "-I", "-S", "-u", "-c", code)


FAKE_DAEMON = """
import os, sys
sys.path.insert(0, {source!r})
sys.path.insert(0, {here!r})
from support.keeper_harness import Peer, m
peer = Peer({address!r})
peer.hello("daemon", {fields!r})
print("ready", flush=True)
{then}
sys.stdin.read()
"""


@contextlib.contextmanager
def other_daemon(keeper: KeeperProcess, fields: Fields = (), then: str = "") -> Iterator[subprocess.Popen[str]]:
    """A daemon in a process of its own, connected and served. Killed at the end, if it still lives."""
    code = FAKE_DAEMON.format(
        source=SOURCE,
        here=str(Path(__file__).resolve().parents[1]),
        address=keeper.paths.keeper_socket,
        fields=fields,
        then=then,
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()
