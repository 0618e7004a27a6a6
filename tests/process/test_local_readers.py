"""Clients that read the ring themselves: what they see, what keeps them from harm, and what they cannot harm."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance, eventually

from roost.client import AsyncClient, Attachment, Client
from roost.errors import WaitTimeoutError, WrongStateError
from roost.model import AttachmentEvent, Detached, Exited, Gap, Output, Reconnected, Stolen
from roost.ring.reader_page import PAGE_BYTES

#: Writes numbered lines as fast as the terminal takes them, once it was given a byte.
COUNTER = """
import os, sys, termios, tty
tty.setraw(1, termios.TCSANOW)
n, total = 0, int(sys.argv[1])
os.write(1, b"ready\\n")
os.read(0, 1)
while n < total:
    block = b"".join(b"%09d\\n" % i for i in range(n, min(n + 400, total)))
    n = min(n + 400, total)
    while block:
        block = block[os.write(1, block):]
"""
#: Says what it reads from a fifo, so that a test can make it write without the daemon.
PARROT = """stty raw -echo; echo ready
while :; do read line < {fifo} || continue; echo $line; [ $line = end ] && exit 7; done"""


def expected(total: int) -> bytes:
    return b"ready\n" + b"".join(b"%09d\n" % i for i in range(total))


@pytest.fixture
def client(shared: Instance) -> Iterator[Client]:
    with shared.client() as one:
        yield one


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def ring_of(attachment: Attachment):  # type: ignore[no-untyped-def]
    ring = attachment._state.ring
    assert ring is not None, "it is not read locally"
    return ring


def read_until(attachment: Attachment, wanted: bytes) -> bytes:
    """The output up to and with those bytes; fails after a while."""
    seen = bytearray()
    while wanted not in seen:
        event = attachment.recv(20)
        assert not isinstance(event, (Gap, Exited, Detached, Stolen)), event
        if isinstance(event, Output):
            seen += event.data
    return bytes(seen)


def rest_of(attachment: Attachment) -> tuple[bytes, list[Gap], AttachmentEvent]:
    """All that still comes: the output, the gaps, the last event. Offsets are checked."""
    seen, gaps, last = bytearray(), [], None
    offset = attachment.offset
    for event in attachment:
        last = event
        if isinstance(event, Output):
            assert event.offset == offset, "a repeat or a hole"
            seen += event.data
            offset += len(event.data)
        elif isinstance(event, Gap):
            assert event.start == offset
            offset = event.end
            gaps.append(event)
    assert last is not None
    return bytes(seen), gaps, last


def say(fifo: Path, word: str) -> None:
    with fifo.open("w") as into:
        into.write(f"{word}\n")


def connected(attachment: Attachment) -> bool:
    with contextlib.suppress(WaitTimeoutError):
        attachment.recv(0)
    return attachment.connected


def descriptors_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


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


# ---- the daemon away, the keeper replaced ----


def test_output_goes_on_while_the_daemon_is_stopped(instance: Instance, fifo: Path) -> None:
    with instance.client() as client:
        attachment = client.spawn(["sh", "-c", PARROT.format(fifo=fifo)]).attach()
        read_until(attachment, b"ready")
        daemon = instance.note_pids()
        os.kill(daemon, signal.SIGSTOP)
        try:
            for word in ("one", "two", "three"):
                say(fifo, word)
                read_until(attachment, word.encode())
        finally:
            os.kill(daemon, signal.SIGCONT)
        say(fifo, "end")
        seen, _, last = rest_of(attachment)
        assert seen.endswith(b"end\n") and isinstance(last, Exited) and last.code == 7


def test_output_goes_on_while_no_daemon_lives_and_the_next_one_tells_the_exit(fifo: Path) -> None:
    instance = Instance({"ROOST_NO_RESTART": "1"})
    try:
        instance.start()
        client = instance.client()
        attachment = client.spawn(["sh", "-c", PARROT.format(fifo=fifo)]).attach()
        read_until(attachment, b"ready")
        os.kill(instance.note_pids(), signal.SIGKILL)
        for word in ("one", "two"):
            say(fifo, word)
            read_until(attachment, word.encode())
        eventually(lambda: not connected(attachment), what="it sees that the daemon is gone")
        assert attachment.fileno() == -1 and attachment.output_fileno >= 0
        say(fifo, "end")
        read_until(attachment, b"end")
        instance.start()
        assert rest_of(attachment)[2] == Exited(7, None, "natural", pytest.approx(0, abs=1e12))
        client.close()
    finally:
        instance.end()


def test_a_local_client_sees_every_byte_once_through_kills_of_the_daemon(instance: Instance) -> None:
    whole, stop = expected(1_000_000), threading.Event()

    def kill_often() -> None:
        for _ in range(3):
            if not stop.is_set():
                instance.kill_daemon()

    with instance.client() as client:
        session = client.spawn([sys.executable, "-c", COUNTER, "1000000"], ring_bytes=32 << 20)
        attachment = session.attach()
        seen, reconnects = bytearray(read_until(attachment, b"ready\n")), 0
        attachment.write(b"g")
        killer = threading.Thread(target=kill_often)
        killer.start()
        try:
            while len(seen) < len(whole):
                event = attachment.recv(20)
                assert isinstance(event, (Output, Reconnected)), event
                reconnects += isinstance(event, Reconnected)
                if isinstance(event, Output):
                    assert event.offset == len(seen)
                    seen += event.data
        finally:
            stop.set()
            killer.join()
        for event in attachment:
            reconnects += isinstance(event, Reconnected)
        assert bytes(seen) == whole and reconnects >= 1 and isinstance(event, Exited)


def test_a_sleeping_reader_is_woken_by_the_upgraded_keeper(instance: Instance, fifo: Path) -> None:
    with instance.client() as client:
        attachment = client.spawn(["sh", "-c", PARROT.format(fifo=fifo)]).attach()
        read_until(attachment, b"ready")
        ring = ring_of(attachment)
        assert attachment._state.awaits_output()
        client.upgrade_keeper()
        assert ring_of(attachment) is ring
        say(fifo, "again")
        read_until(attachment, b"again")
        attachment.close()


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


# ---- what a reader cannot do ----


def test_a_ring_cannot_be_written_through_what_was_lent(client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo ready; read x"])
    with session.attach() as attachment:
        ring = ring_of(attachment)
        with pytest.raises(TypeError):
            ring._ring._words[8] = 0
        lent = next(int(fd) for fd in os.listdir("/proc/self/fd") if f"roost-{session.id}-stdout" in _link(int(fd)))
        with pytest.raises(OSError):
            os.write(lent, b"x")
        with pytest.raises(OSError):
            mmap.mmap(lent, PAGE_BYTES)
        if os.geteuid() != 0:
            with pytest.raises(PermissionError):
                os.open(f"/proc/self/fd/{lent}", os.O_RDWR)


def _link(fd: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


def test_a_hostile_page_and_a_clogged_pipe_cost_nobody_else_anything(shared: Instance, client: Client) -> None:
    session = client.spawn([sys.executable, "-c", COUNTER, "200000"], ring_bytes=4 << 20)
    with session.attach(mode="share") as hostile, session.attach(mode="share") as honest:
        page, wake = ring_of(hostile)._map, ring_of(hostile).wake_fd
        own = next(int(fd) for fd in os.listdir("/proc/self/fd") if "roost-reader" in _link(int(fd)))
        with pytest.raises(PermissionError):
            os.ftruncate(own, 0)  # under the keeper's own map
        os.set_blocking(wake, True)
        stop = threading.Event()

        def scribble() -> None:
            while not stop.is_set():
                page[:] = b"\xff" * PAGE_BYTES  # asleep, and at an impossible offset

        scribbler = threading.Thread(target=scribble)
        scribbler.start()
        try:
            read_until(honest, b"ready\n")
            honest.write(b"g")
            assert b"ready\n" + rest_of(honest)[0] == expected(200_000)  # the pipe of the other one was never emptied
            listed = session.info().clients
            assert all(0 <= info.offset <= len(expected(200_000)) for info in listed)
        finally:
            stop.set()
            scribbler.join()
        assert rest_of(hostile)[0] == expected(200_000)


def test_a_stopped_reader_holds_up_nothing_and_gets_an_exact_gap(shared: Instance, client: Client) -> None:
    session = client.spawn([sys.executable, "-c", COUNTER, "300000"])
    stopped = subprocess.Popen(
        [sys.executable, "-m", "roost.cli", "attach", "--view", session.id],
        env=shared.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        eventually(lambda: any(info.local and info.offset for info in session.info().clients), what="it reads")
        os.kill(stopped.pid, signal.SIGSTOP)
        session.send(b"g")
        session.wait(20)
        os.kill(stopped.pid, signal.SIGCONT)
        seen, said = stopped.communicate(timeout=20)
    finally:
        stopped.kill()
        stopped.wait()
    whole = expected(300_000)
    missed = len(whole) - len(seen)
    assert seen.startswith(b"ready") and whole.endswith(seen[-(1 << 20) :])
    assert missed == len(whole) - (1 << 20) - 6 and f"{missed} bytes missed" in said.decode().replace(",", "")


def test_the_keeper_forgets_a_reader_that_died(shared: Instance, client: Client) -> None:
    session = client.spawn(["sh", "-c", "echo ready; read x"])
    keeper = shared.status()["keeper_pid"]
    with session.attach() as attachment:
        read_until(attachment, b"ready")
        before = descriptors_of(keeper)
        reader = subprocess.Popen(
            [sys.executable, "-m", "roost.cli", "attach", "--view", session.id],
            env=shared.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        eventually(lambda: descriptors_of(keeper) > before, what="another reader")
        reader.kill()
        reader.wait()
        eventually(lambda: descriptors_of(keeper) <= before, what="it is forgotten")
