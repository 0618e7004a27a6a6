"""The daemon's end of the connection to the keeper: requests, answers, notices.

Blocking before the loop runs (adoption is faster that way), asynchronous afterwards. Knows the messages' form, not what
sessions are made of them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from roost.daemon.begun import Prompt
from roost.errors import RoostError, UnavailableError
from roost.keeper import messages as m
from roost.keeper.probe import connect_keeper, raise_error
from roost.keeper.transport import TruncatedError, receive_packet, send_packet
from roost.paths import Paths
from roost.platform import boot_id

Fields = Iterable[tuple[int, bytes | int | float | str]]
Answer = tuple[m.Message, list[int]]

#: How long a busy predecessor is waited for.
_ADMISSION_S = 10.0
#: Questions under way at once at adoption.
_AHEAD = 16


class KeeperLink:
    """One connection in the role of the daemon."""

    def __init__(self, sock: socket.socket, greeting: m.Message) -> None:
        self._sock = sock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seq = 1
        self._waiting: dict[int, Prompt[Answer] | asyncio.Future[Answer]] = {}
        self._out: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._on_notice: Callable[[m.Message], None] | None = None
        self._on_lost: Callable[[], None] | None = None
        self._early: list[m.Message] = []
        self.pid = greeting.u64(m.T_PID, 0)
        self.version = greeting.u64(m.T_VERSION, 0)
        self.features = _features(greeting)
        self.lost = False

    def became(self, image: m.Message) -> None:
        """The keeper is another image now, which says what it is; one that does not name its features has the old."""
        self.version = image.u64(m.T_VERSION, self.version)
        self.features = _features(image) or self.features

    # --- before the loop runs -------------------------------------------------------------------------------------

    @classmethod
    def connect(cls, paths: Paths, *, restart: list[str]) -> KeeperLink:
        """Say hello as the daemon, waiting for a predecessor that is still leaving.

        Raises UnavailableError when no keeper listens, and the keeper's own error when it refuses.
        """
        deadline = time.monotonic() + _ADMISSION_S
        while True:
            sock = connect_keeper(paths)
            hello: list[tuple[int, bytes | int | float | str]] = [
                (m.T_VERSION, m.VERSION),
                (m.T_MIN_VERSION, m.MIN_VERSION),
                (m.T_ROLE, "daemon"),
                (m.T_PID, os.getpid()),
                (m.T_BOOT_ID, boot_id()),
                (m.T_CWD, os.getcwd()),
                (m.T_LOG_PATH, paths.daemon_log),
                *((m.T_RESTART_ARG, os.fsencode(arg)) for arg in restart),
                *((m.T_RESTART_ENV, key + b"=" + value) for key, value in os.environb.items()),
            ]
            try:
                greeting, _ = _exchange(sock, m.HELLO, 1, hello)
            except RoostError as error:
                sock.close()
                if error.kind != "already_attached" or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
                continue
            return cls(sock, greeting)

    def call_now(self, message_type: int, fields: Fields = ()) -> Answer:
        """Ask and wait, before the loop runs."""
        self._seq += 1
        return _exchange(self._sock, message_type, self._seq, fields, self._early.append)

    def call_each_now(self, message_type: int, requests: Iterable[Fields]) -> Iterator[Answer]:
        """Ask the same of many and wait, before the loop runs; the keeper works on some answers while one is used."""
        ahead: deque[int] = deque()
        for fields in requests:
            self._seq += 1
            send_packet(self._sock, m.encode(message_type, self._seq, fields))
            ahead.append(self._seq)
            if len(ahead) == _AHEAD:
                yield _answer(self._sock, ahead.popleft(), self._early.append)
        while ahead:
            yield _answer(self._sock, ahead.popleft(), self._early.append)

    # --- in the loop ----------------------------------------------------------------------------------------------

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_notice: Callable[[m.Message], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Go on asynchronously. Notices that came during adoption are delivered first."""
        self._loop = loop
        self._on_notice = on_notice
        self._on_lost = on_lost
        self._sock.setblocking(False)
        loop.add_reader(self._sock, self._readable)
        for message in self._early:
            loop.call_soon(on_notice, message)
        self._early.clear()

    async def call(self, message_type: int, fields: Fields = (), fds: tuple[int, ...] = ()) -> Answer:
        """Ask; the answer and its descriptors. Raises the keeper's error. Cancelled: a late answer is dropped."""
        return await self.answer(self.ask(message_type, fields, fds))

    def ask(self, message_type: int, fields: Fields = (), fds: tuple[int, ...] = ()) -> int:
        """Ask and go on; the number with which the answer is to be waited for."""
        assert self._loop is not None
        if self.lost:
            raise UnavailableError("the keeper is gone; sessions that it held have ended")
        self._seq = seq = self._seq % 0xFFFF_FFFF + 1
        packet = m.encode(message_type, seq, fields)
        self._waiting[seq] = Prompt(loop=self._loop)
        self._send(packet, fds)
        return seq

    async def answer(self, asked: int) -> Answer:
        """The answer to what was asked."""
        try:
            answer = await self._waiting[asked]
        finally:
            self._waiting.pop(asked, None)
        raise_error(answer[0])
        return answer

    def tell(self, message_type: int, fields: Fields = (), *, then: Callable[[], None] | None = None) -> None:
        """Ask without waiting; `then` is called when the keeper has answered, whatever it said."""
        if self.lost:
            return
        assert self._loop is not None
        self._seq = self._seq % 0xFFFF_FFFF + 1
        if then is not None:
            self._waiting[self._seq] = self._calling_back(self._seq, then)
        self._send(m.encode(message_type, self._seq, fields), ())

    def ask_then(
        self, message_type: int, fields: Fields, fds: tuple[int, ...], *, then: Callable[[Answer | None], None]
    ) -> None:
        """Ask without waiting; `then` is given the answer and its descriptors, None for an error."""
        if self.lost:
            then(None)
            return
        assert self._loop is not None

        def answered(future: asyncio.Future[Answer]) -> None:
            self._waiting.pop(seq, None)
            failed = future.cancelled() or future.exception() is not None
            answer = None if failed else future.result()
            then(None if answer is None or answer[0].has(m.T_ERROR_KIND) else answer)

        self._seq = seq = self._seq % 0xFFFF_FFFF + 1
        self._waiting[seq] = future = self._loop.create_future()
        future.add_done_callback(answered)
        self._send(m.encode(message_type, seq, fields), fds)

    def keep(self, session_id: str, record: bytes, *, then: Callable[[], None] | None = None) -> None:
        """Have the keeper keep a session's record, for the daemons to come."""
        self.tell(m.SET_BLOB, [(m.T_ID, session_id), (m.T_BLOB, record)], then=then)

    def _calling_back(self, seq: int, then: Callable[[], None]) -> asyncio.Future[Answer]:
        assert self._loop is not None

        def answered(future: asyncio.Future[Answer]) -> None:
            self._waiting.pop(seq, None)
            if not future.cancelled() and future.exception() is None:
                then()

        future: asyncio.Future[Answer] = self._loop.create_future()
        future.add_done_callback(answered)
        return future

    def _send(self, packet: bytes, fds: tuple[int, ...]) -> None:
        assert self._loop is not None
        if not self._out:
            try:
                send_packet(self._sock, packet, fds)
                return
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._writable)
            except OSError:
                self._gone()
                return
        self._out.append((packet, fds))

    def _writable(self) -> None:
        assert self._loop is not None
        while self._out:
            try:
                send_packet(self._sock, *self._out[0])
            except BlockingIOError:
                return
            except OSError:
                self._gone()
                return
            self._out.popleft()
        self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        assert self._on_notice is not None and self._loop is not None
        for _ in range(64):
            try:
                received = receive_packet(self._sock)
            except BlockingIOError:
                return
            except TruncatedError as error:
                self._could_not_receive(error)
                continue
            except OSError:
                received = None
            if received is None:
                self._gone()
                return
            message, fds = received
            if message.seq == 0:
                # In its order: the answer to a spawn is taken in one turn later, a short child's exit with it.
                self._loop.call_soon(self._on_notice, message)
                continue
            future = self._waiting.get(message.seq)
            if future is None or future.done():
                for fd in fds:
                    os.close(fd)
            else:
                future.set_result((message, fds))
                return  # it may have gone on there; what else has come is seen in the next look

    def _could_not_receive(self, error: TruncatedError) -> None:
        """An answer is lost: whoever waits for it is told, and the others go on."""
        future = self._waiting.get(error.seq)
        if future is not None and not future.done():
            text = (
                "too many open files in the daemon: the keeper's answer could not be received; `roost daemon restart`"
            )
            future.set_exception(RoostError(text, kind="exhausted"))

    def _gone(self) -> None:
        if self.lost:
            return
        self.lost = True
        assert self._loop is not None
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(UnavailableError("the keeper is gone; sessions that it held have ended"))
        if self._on_lost is not None:
            self._on_lost()

    def hang_up(self, *, restart: bool = False, shut_down: bool = False) -> None:
        """Leave in an orderly way: the keeper does not start a daemon by itself, unless asked to now.

        `shut_down`: the keeper may end at once if it holds nothing, and not only after a while.
        """
        try:
            if shut_down and not restart:
                send_packet(self._sock, m.encode(m.SHUTDOWN, self._seq, []))
            send_packet(self._sock, m.encode(m.HANGUP, 0, [(m.T_RESTART, 1)] if restart else []))
        except OSError:
            pass
        self._sock.close()


def _exchange(
    sock: socket.socket,
    message_type: int,
    seq: int,
    fields: Fields,
    on_notice: Callable[[m.Message], None] | None = None,
) -> Answer:
    send_packet(sock, m.encode(message_type, seq, fields))
    return _answer(sock, seq, on_notice)


def _answer(sock: socket.socket, seq: int, on_notice: Callable[[m.Message], None] | None) -> Answer:
    while True:
        received = receive_packet(sock)
        if received is None:
            raise UnavailableError("the keeper closed the connection without an answer; see its log")
        message, fds = received
        if message.seq == seq:
            raise_error(message)
            return message, fds
        if message.seq == 0 and on_notice is not None:
            on_notice(message)


def _features(message: m.Message) -> set[str]:
    return {feature.decode("utf-8", "replace") for feature in message.list(m.T_FEATURE)}
