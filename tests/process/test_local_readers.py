"""Clients that read the ring themselves: what they see, and how that ends."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import sys
import threading
from pathlib import Path

import pytest
from support.instance import Instance, eventually
from support.local_readers import (
    COUNTER,
    expected,
    read_until,
    rest_of,
    ring_of,
)

from roost.client import AsyncClient, Client
from roost.errors import WaitTimeoutError, WrongStateError
from roost.model import Detached, Exited, Gap, Output, Stolen

# ---- what is seen ----


def test_a_local_client_sees_every_byte_once_and_then_the_exit(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", COUNTER + "sys.exit(3)", "300000"], ring_bytes=8 << 20)
    with session.attach() as attachment:
        ring_of(attachment)
        started = read_until(attachment, b"ready\n")
        attachment.write(b"g")
        seen, gaps, last = rest_of(attachment)
    assert not gaps and started + seen == expected(300_000)
    assert isinstance(last, Exited) and last.code == 3


def test_a_lapped_client_gets_one_exact_gap_and_all_that_is_left(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", COUNTER, "30000"], ring_bytes=1 << 16)
    with session.attach() as attachment:
        ring_of(attachment)
        read_until(attachment, b"ready")
        attachment.write(b"g")
        session.wait(20)  # nothing was read meanwhile
        seen, gaps, last = rest_of(attachment)
    whole = expected(30_000)
    assert [(gap.start, gap.end) for gap in gaps] == [(6, len(whole) - (1 << 16))]
    assert seen == whole[-(1 << 16) :] and isinstance(last, Exited)


def test_delivered_and_missed_add_up_at_any_pace(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", COUNTER, "200000"], ring_bytes=1 << 16)
    whole, at, chance = expected(200_000), 6, random.Random(3)
    with session.attach() as attachment:
        ring_of(attachment)
        read_until(attachment, b"ready\n")
        attachment.write(b"g")
        for event in attachment:
            if isinstance(event, Output):
                assert event.offset == at and event.data == whole[at : at + len(event.data)]
                at += len(event.data)
            elif isinstance(event, Gap):
                assert event.start == at
                at = event.end
            for _ in range(chance.randrange(0, 20_000)):
                pass
    assert at == len(whole)


def test_both_streams_of_a_pipe_session_are_read_locally(client: Client) -> None:
    session = client.spawn(["sh", "-c", "read x; echo out; echo err >&2"], pipe=True)
    with session.attach(stream="stdout") as out, session.attach(stream="stderr") as err:
        ring_of(out), ring_of(err)
        out.write(b"go\n")
        assert rest_of(out)[0] == b"out\n" and rest_of(err)[0] == b"err\n"


async def test_the_asyncio_client_reads_locally_too(shared: Instance) -> None:
    async with AsyncClient(shared.socket, autostart=False) as client:
        session = await client.spawn([sys.executable, "-c", COUNTER, "100000"], ring_bytes=4 << 20)
        async with await session.attach() as attachment:
            assert attachment._state.ring is not None
            seen = bytearray()
            while b"ready\n" not in seen:
                event = await attachment.recv(20)
                assert isinstance(event, Output)
                seen += event.data
            with pytest.raises(WaitTimeoutError):
                await attachment.recv(0.01)
            async with asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(attachment.recv(20))
                await asyncio.sleep(0)
                await attachment.write(b"g")
            first = waiting.result()
            assert isinstance(first, Output)
            seen += first.data
            async for event in attachment:
                if isinstance(event, Output):
                    seen += event.data
                last = event
    assert bytes(seen) == expected(100_000) and isinstance(last, Exited)


def test_lists_say_how_far_a_local_client_is_behind(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo abc; read x; echo defg; read x"])
    with session.attach() as attachment:
        read_until(attachment, b"abc\r\n")
        attachment.write(b"\n")
        info = eventually(lambda: next((c for c in session.info().clients if c.lag == 8), None), what="8 bytes behind")
        assert info.offset == 5
        read_until(attachment, b"defg\r\n")
        eventually(lambda: session.info().clients[0].lag == 0)


# ---- steal, detach, fall back ----


def test_a_steal_ends_the_reading_at_what_was_written_by_then(client: Client) -> None:
    session = client.spawn(["sh", "-c", "stty raw -echo; echo before; read x; echo after; read x"])
    victim = session.attach()
    read_until(victim, b"before")
    victim.recv(0.01) if victim._state.has_output() else None
    with session.attach(steal=True, label="thief", from_offset=victim.offset) as thief:
        thief.write(b"\n")
        read_until(thief, b"after")
        seen, gaps, last = rest_of(victim)
        assert b"after" not in seen and not gaps and last == Stolen("thief")
        with pytest.raises(WrongStateError):
            victim.write(b"x")
        ring_of(thief)
    victim.close()


def test_a_victim_in_the_middle_of_a_flood_is_told(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo ready; exec yes"])
    with session.attach() as victim:
        read_until(victim, b"ready")
        with session.attach(steal=True, label="thief"):
            for event in victim:
                last = event
            assert last == Stolen("thief")
    session.terminate(grace_s=0)


def test_a_detached_client_sees_what_was_written_before_and_then_that(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo one; read x"])
    with session.attach(mode="view") as viewer, session.attach() as typist:
        read_until(viewer, b"one\r\n")
        typist.detach()
        assert rest_of(typist)[2] == Detached("detached") and typist.offset == 5
        assert client.detach(session.id) == 1
        assert rest_of(viewer)[2] == Detached("detached")


def test_a_resize_is_told_to_a_local_client(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo ready; read x"])
    with session.attach() as attachment:
        read_until(attachment, b"ready")
        session.resize(33, 99)
        events = iter(attachment)
        assert next((e.rows, e.cols) for e in events if type(e).__name__ == "Resized") == (33, 99)


def test_lossless_clients_and_those_who_say_so_are_sent_the_output(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo ready; read x"])
    with session.attach(mode="view", lossless=True) as held, session.attach(mode="view", local=False) as sent:
        for attachment in (held, sent):
            assert attachment._state.ring is None
            read_until(attachment, b"ready")


def test_more_readers_than_the_keeper_serves_are_sent_the_output(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo ready; read x"])
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(session.attach(mode="view")) for _ in range(18)]
        assert [viewer._state.ring is not None for viewer in viewers] == [True] * 16 + [False] * 2
        for viewer in viewers:
            read_until(viewer, b"ready")


def test_where_only_bytes_come_through_the_output_is_sent(shared: Instance, tmp_path: Path) -> None:
    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = listener.accept()
                theirs = socket.socket(socket.AF_UNIX)
                theirs.connect(shared.socket)
                pairs.append((ours, theirs))
                for source, sink in ((ours, theirs), (theirs, ours)):
                    threads.append(threading.Thread(target=pass_on, args=(source, sink)))
                    threads[-1].start()

    pairs: list[tuple[socket.socket, socket.socket]] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    threads = [threading.Thread(target=serve)]
    threads[0].start()
    try:
        with Client(tmp_path / "s", autostart=False) as client:
            session = client.spawn(["sh", "-c", "echo ready; read x; exit 5"])
            with session.attach() as attachment:
                read_until(attachment, b"ready")
                assert attachment._state.ring is None
                attachment.write(b"\n")
                assert isinstance(last := rest_of(attachment)[2], Exited) and last.code == 5
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
        for pair in pairs:
            for end in pair:
                end.close()
