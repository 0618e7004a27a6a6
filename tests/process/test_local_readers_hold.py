"""Clients that read the ring themselves: the daemon away, the keeper replaced; what such a reader cannot do."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.instance import Instance, eventually
from support.local_readers import (
    COUNTER,
    PARROT,
    connected,
    descriptors_of,
    expected,
    read_until,
    rest_of,
    ring_of,
    say,
)

from roost.client import Client
from roost.model import Exited, Output, Reconnected
from roost.ring.reader_page import PAGE_BYTES

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
