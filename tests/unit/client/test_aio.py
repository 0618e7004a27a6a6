"""The asyncio client and attachment over a real socket to a fake daemon: what differs from the blocking ones."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest
from unit.client.fake_daemon import FakeDaemon, Peer

from roost.client import AsyncAttachment, AsyncClient
from roost.client.aio_session import AsyncSession
from roost.client.faults import WriteTimeoutError
from roost.errors import AlreadyAttachedError, NoRunError, UnavailableError, WaitTimeoutError, WrongStateError
from roost.model import Detached, Exited, Gap, Output, Reconnected, SessionInfo
from roost.wire import frames
from roost.wire.frames import ExitInfo

INFO = {"id": "s-1", "name": "sh", "kind": "pty", "state": "running", "pid": 7}
EXIT = frames.pty_exit(3, ExitInfo(3, None, "natural", 5.0), b"R")
EXITED = Exited(3, None, "natural", 5.0)


def output(offset: int, data: bytes) -> bytes:
    return frames.output_head(len(data), offset) + data


async def attach(client: AsyncClient, **options: object) -> AsyncAttachment:
    return await AsyncSession(client, SessionInfo(id="s-1", name="sh")).attach(**options)  # type: ignore[arg-type]


async def happened(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 5)


# ---------------------------------------------------------------------- calls


async def test_a_long_wait_holds_no_other_call_up(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    done = threading.Event()

    def waiting(peer: Peer) -> None:
        request = peer.request()
        assert request.roost.method == "sessions.wait"
        assert done.wait(5)
        peer.reply(request, {"code": 4})
        peer.until_closed()

    def quick(peer: Peer) -> None:
        peer.reply(peer.request(), INFO)
        peer.until_closed()

    daemon.play(waiting, quick)
    async with asyncio.TaskGroup() as group:
        wait = group.create_task(aclient.wait("s-1"))
        await asyncio.sleep(0.05)
        assert (await aclient.get("s-1")).pid == 7
        done.set()
    assert wait.result().code == 4


async def test_calls_in_a_row_share_a_connection(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def script(peer: Peer) -> None:
        for number in (1, 2, 3):
            request = peer.request()
            assert request.id == number
            peer.reply(request, INFO)
        peer.until_closed()

    daemon.play(script)
    for _ in range(3):
        await aclient.get("x")
    assert daemon.connections == 1


async def test_a_silent_daemon_costs_the_timeout(daemon: FakeDaemon) -> None:
    daemon.play(lambda peer: peer.until_closed())
    async with AsyncClient(daemon.path, autostart=False, timeout_s=0.1) as client:
        with pytest.raises(WaitTimeoutError, match=r"sessions\.get"):
            await client.get("x")


async def test_a_cancelled_call_leaves_a_usable_client(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        peer.until_closed()

    def good(peer: Peer) -> None:
        peer.reply(peer.request(), INFO)
        peer.until_closed()

    daemon.play(silent, good)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aclient.get("x")
    assert (await aclient.get("x")).id == "s-1"


async def test_losses_are_handled_as_in_the_blocking_client(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def good(peer: Peer) -> None:
        peer.reply(peer.request(), INFO)

    daemon.play(lambda peer: peer.request(), good, lambda peer: peer.request())
    assert (await aclient.get("x")).id == "s-1"
    await asyncio.sleep(0.02)
    with pytest.raises(UnavailableError, match="carried out or not"):
        await aclient.rename("x", "y")


async def test_a_repeated_spawn_carries_the_same_spawn_id(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    seen = []

    def dying(peer: Peer) -> None:
        seen.append(peer.request().spawn_pipe_session.roost.spawn_id)

    def living(peer: Peer) -> None:
        request = peer.request()
        seen.append(request.spawn_pipe_session.roost.spawn_id)
        peer.spawned(request, existing=True)
        peer.until_closed()

    daemon.play(dying, living)
    session = await aclient.spawn(["cat"], pipe=True)
    assert seen[0] == seen[1] and session.existing and session.kind == "pipe"


# ---------------------------------------------------------------------- attachments


async def test_output_until_exit(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def script(peer: Peer) -> None:
        peer.attached(start=5, end=7)
        peer.send(output(5, b"ab") + frames.gap(7, 9) + output(9, b"c") + EXIT)

    daemon.play(script)
    async with await attach(aclient) as attachment:
        found = [event async for event in attachment]
        assert found == [Output(5, b"ab"), Gap(7, 9), Output(9, b"c"), EXITED]
        assert await attachment.recv() is None
        assert attachment.reset == b"R"


async def test_a_refusal_is_raised(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    daemon.play(lambda peer: peer.refuse(peer.request(), "already_attached", "ada has it", code=10))
    with pytest.raises(AlreadyAttachedError, match="ada has it"):
        await attach(aclient)


async def test_a_timed_or_cancelled_receive_loses_nothing(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    go = threading.Event()
    frame = output(0, b"x" * 1000)

    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(frame[:500])
        assert go.wait(5)
        peer.send(frame[500:])
        peer.until_closed()

    daemon.play(script)
    async with await attach(aclient) as attachment:
        for timeout_s in (0, 0.05):
            with pytest.raises(WaitTimeoutError):
                await attachment.recv(timeout_s)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await attachment.recv()
        go.set()
        assert await attachment.recv(5) == Output(0, b"x" * 1000)


async def test_a_receive_without_waiting_takes_what_is_there(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.attached()
        peer.send(output(0, b"a"))
        sent.set()
        peer.until_closed()

    daemon.play(script)
    async with await attach(aclient) as attachment:
        await happened(sent)
        assert await attachment.recv(0) == Output(0, b"a")


async def test_it_comes_back_by_itself_without_gap_or_repeat(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def first(peer: Peer) -> None:
        peer.attached(token=b"first")
        assert peer.input_bytes(4) == b"1234"
        peer.send(frames.input_offset(3) + output(0, b"abc") + output(3, b"def")[:-2])

    def second(peer: Peer) -> None:
        asked = peer.attached()
        assert (asked.roost.from_offset, asked.roost.resume_token) == (3, b"first")
        peer.send(output(3, b"def") + EXIT)

    daemon.play(first, second)
    async with await attach(aclient) as attachment:
        await attachment.write(b"1234")
        found = [event async for event in attachment]
    assert found == [Output(0, b"abc"), Reconnected(1), Output(3, b"def"), EXITED]


async def test_receiver_and_writer_both_survive_an_outage(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    typed = []

    def dying(peer: Peer) -> None:
        peer.attached()
        daemon.go_away()

    def living(peer: Peer) -> None:
        peer.attached()
        typed.append(peer.input_bytes(150_000))
        peer.send(EXIT)

    daemon.play(dying, living)
    async with await attach(aclient) as attachment:
        async with asyncio.TaskGroup() as group:
            received = group.create_task(attachment.recv(5))
            await asyncio.sleep(0.05)
            assert not attachment.connected
            group.create_task(attachment.write(bytes(150_000), timeout_s=5))
            await asyncio.sleep(0.05)
            assert attachment.input_bytes_unsent == 65536
            daemon.listen()
        assert received.result() == Reconnected(0)
        assert await attachment.recv(5) == EXITED
    assert typed == [bytes(150_000)]


async def test_a_session_that_is_gone_after_the_outage_is_an_error(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    daemon.play(
        lambda peer: peer.attached() and None,
        lambda peer: peer.refuse(peer.request(), "not_found", "no session s-1", code=4),
    )
    async with await attach(aclient) as attachment:
        with pytest.raises(NoRunError, match="s-1"):
            await attachment.recv(5)


async def test_detach_ends_with_detached(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def script(peer: Peer) -> None:
        peer.attached()
        assert peer.input().kind == "detach"
        peer.send(output(0, b"under way") + frames.pty_error("detached", reset=b"R"))

    daemon.play(script)
    async with await attach(aclient) as attachment:
        attachment.detach()
        assert [event async for event in attachment] == [Output(0, b"under way"), Detached("detached")]


async def test_close_wakes_a_receiver(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    def script(peer: Peer) -> None:
        peer.attached()
        peer.until_closed()

    async def receive() -> None:
        with pytest.raises(WrongStateError):
            await attachment.recv(5)

    daemon.play(script)
    attachment = await attach(aclient)
    async with asyncio.TaskGroup() as group:
        group.create_task(receive())
        await asyncio.sleep(0.02)
        attachment.close()
    attachment.close()


async def test_a_large_paste_into_a_program_that_echoes_cannot_block(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    data = os.urandom(10 << 20)

    def echo(peer: Peer) -> None:
        peer.attached()
        offset = 0
        while offset < len(data):
            piece = peer.input().data
            peer.send(output(offset, piece))
            offset += len(piece)
            peer.acknowledge(offset)
        peer.send(EXIT)

    daemon.play(echo)
    async with await attach(aclient, lossless=True) as attachment:
        await attachment.write(data, timeout_s=30)
        received = b"".join([event.data async for event in attachment if isinstance(event, Output)])
    assert received == data


async def test_a_session_that_does_not_read_times_the_write_out(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    go = threading.Event()
    total = 4 << 20
    taken = []

    def script(peer: Peer) -> None:
        peer.attached()
        assert go.wait(10)
        taken.append(peer.input_bytes(total))
        peer.send(EXIT)

    daemon.play(script)
    data = os.urandom(total)
    async with await attach(aclient) as attachment:
        with pytest.raises(WriteTimeoutError) as raised:
            await attachment.write(data, timeout_s=0.1)
        go.set()
        await attachment.write(data[raised.value.written :], timeout_s=10)
        assert await attachment.recv(5) == EXITED
    assert taken == [data]


async def test_a_reader_that_is_away_leaves_the_rest_to_the_daemon(daemon: FakeDaemon, aclient: AsyncClient) -> None:
    total = 8 << 20
    sent = []

    def flood(peer: Peer) -> None:
        peer.attached()
        chunk = bytes(65536)
        for offset in range(0, total, len(chunk)):
            peer.send(output(offset, chunk))
            sent.append(offset)
        peer.send(EXIT)

    daemon.play(flood)
    async with await attach(aclient) as attachment:
        await asyncio.sleep(0.2)
        assert len(sent) * 65536 < 2 << 20
        received = 0
        started = time.monotonic()
        async for event in attachment:
            received += len(event.data) if isinstance(event, Output) else 0
        assert received == total and time.monotonic() - started < 5
