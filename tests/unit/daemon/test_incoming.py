"""Requests on one connection: answered at once, begun, or by the task, all in the order in which they came."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from roost.daemon.begun import Begun
from roost.daemon.incoming import Incoming
from roost.daemon.typists import Typists
from roost.daemon.v1 import Connection
from roost.wire import daemon_v1_pb2 as pb
from roost.wire.conversation import BadRequest, Request, ServerConversation
from roost.wire.framing import frame


def request(number: int) -> bytes:
    return frame(pb.DaemonRequest(id=number, type=pb.REQUEST_TYPE_PING, ping=pb.PingRequest()).SerializeToString())


class Served:
    """A connection whose even requests are answered at once, its odd ones by a task, those that end in 5 by work that
    waits twice; each answer is its number."""

    def __init__(self, *, answer_bytes: int = 1) -> None:
        self.loop = asyncio.get_running_loop()
        self.size = answer_bytes
        self.ours, self.theirs = socket.socketpair()
        for sock in (self.ours, self.theirs):
            sock.setblocking(False)
        connection = Connection(self.ours, ServerConversation(), 0, lambda: None)
        self.incoming = Incoming(self.loop, connection, self._at_once, self._begin)
        self.by_task: list[int] = []
        self.waits: list[asyncio.Future[None]] = []
        self.task = self.loop.create_task(self._serve())

    def _answer(self, number: int) -> bytes:
        return bytes([number]) * self.size

    def _at_once(self, _connection: Connection, message: pb.DaemonRequest) -> bytes | None:
        return None if message.id % 2 else self._answer(message.id)

    def _begin(
        self, _connection: Connection, message: pb.DaemonRequest, done: Callable[[bytes], None]
    ) -> Begun[int] | None:
        if message.id % 10 != 5:
            return None
        return Begun(self._work(message.id), lambda number: done(self._answer(number)))

    async def _work(self, number: int) -> int:
        for _ in range(2):
            self.waits.append(self.loop.create_future())
            await self.waits[-1]
        return number

    async def _serve(self) -> None:
        while (event := await self.incoming.next()) is not None:
            assert not isinstance(event, BadRequest), event.text
            assert isinstance(event, Request)
            self.by_task.append(event.message.id)
            await asyncio.sleep(0)
            await self.loop.sock_sendall(self.ours, self._answer(event.message.id))

    async def received(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await self.loop.sock_recv(self.theirs, count - len(data))
        return data

    async def end(self) -> None:
        self.theirs.close()
        await self.task
        self.incoming.close()
        self.ours.close()


async def test_answers_come_in_the_order_of_the_requests_whoever_gives_them() -> None:
    served = Served()
    served.theirs.send(b"".join(map(request, (2, 4, 1, 6, 3, 7, 8))))
    assert await served.received(7) == bytes((2, 4, 1, 6, 3, 7, 8))
    assert served.by_task == [1, 3, 7]
    await served.end()


async def test_what_comes_behind_a_request_that_was_begun_waits_for_its_answer() -> None:
    served = Served()
    served.theirs.send(b"".join(map(request, (2, 5))))
    assert await served.received(1) == bytes((2,))
    for _ in range(2):
        served.theirs.send(b"".join(map(request, (4, 1))))
        await turns()
        assert await nothing_received(served)
        served.waits[-1].set_result(None)
        await turns()
    assert await served.received(5) == bytes((5, 4, 1, 4, 1))
    assert len(served.waits) == 2
    await served.end()


async def test_a_client_that_goes_away_before_its_answer_is_seen_to_be_gone_behind_it() -> None:
    served = Served()
    served.theirs.send(request(5))
    await turns()
    served.theirs.close()
    for wait in (0, 1):
        await turns()
        assert not served.task.done()
        served.waits[wait].set_result(None)
        await turns()
    error = (await asyncio.gather(served.task, return_exceptions=True))[0]
    assert error is None or isinstance(error, ConnectionError)
    served.incoming.close()
    served.ours.close()


async def test_what_was_begun_is_given_up_with_its_connection() -> None:
    served = Served()
    served.theirs.send(request(5))
    await turns()
    served.incoming.close()
    served.waits[0].set_result(None)
    await turns()
    assert len(served.waits) == 1 and await nothing_received(served)
    served.task.cancel()
    served.theirs.close()
    served.ours.close()


async def turns() -> None:
    """Let the loop come to everything that is there."""
    for _ in range(5):
        await asyncio.sleep(0)


async def nothing_received(served: Served) -> bool:
    try:
        return not served.theirs.recv(1)
    except BlockingIOError:
        return True


async def test_a_request_that_comes_in_pieces_is_answered_when_it_is_whole() -> None:
    served = Served()
    data = request(2) + request(1) + request(4)
    for start in range(0, len(data), 3):
        served.theirs.send(data[start : start + 3])
        for _ in range(3):
            await asyncio.sleep(0)
    assert await served.received(3) == bytes((2, 1, 4))
    await served.end()


async def test_a_client_that_does_not_read_for_a_while_gets_every_answer_whole() -> None:
    served = Served(answer_bytes=400_000)
    served.theirs.send(b"".join(map(request, (2, 4, 1, 6))))
    for _ in range(20):
        await asyncio.sleep(0)
    expected = b"".join(bytes([number]) * 400_000 for number in (2, 4, 1, 6))
    assert await served.received(len(expected)) == expected
    await served.end()


async def test_a_request_that_is_cut_off_is_told_to_the_task() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    incoming = Incoming(
        asyncio.get_running_loop(), Connection(ours, ServerConversation(), 0, lambda: None), never, never
    )
    theirs.send(request(2)[:-1])
    theirs.close()
    event = await incoming.next()
    assert isinstance(event, BadRequest) and event.fatal
    incoming.close()
    ours.close()


def never(*_: Any) -> None:
    return None


async def test_who_types_is_read_before_the_loop_comes_to_it_and_no_more_once_removed() -> None:
    typists = Typists(asyncio.get_running_loop())
    ours, theirs = socket.socketpair()
    seen: list[bytes] = []
    typists.add_reader(ours.fileno(), lambda: seen.append(ours.recv(10)))
    theirs.send(b"key")
    typists.serve()
    assert seen == [b"key"]
    typists.remove_reader(ours.fileno())
    typists.remove_reader(ours.fileno())
    theirs.send(b"more")
    typists.serve()
    await asyncio.sleep(0)
    assert seen == [b"key"]
    ours.close()
    theirs.close()
