"""Clients that type into the terminal past the daemon: nothing is lost or repeated; whoever may not type does not."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from support.instance import Instance, eventually

from roost.client import AsyncClient, Attachment, Client
from roost.client.faults import WriteTimeoutError
from roost.errors import WrongStateError
from roost.model import Detached, Exited, Gap, Output, Reconnected, Stolen

#: Reads so many bytes from its raw terminal, beginning when a file is there, and tells their digest.
SINK = """
import hashlib, os, sys, termios, time, tty
tty.setraw(0, termios.TCSANOW)
os.write(1, b"ready\\n")
total, gate = int(sys.argv[1]), sys.argv[2]
while gate and not os.path.exists(gate):
    time.sleep(0.01)
seen, digest = 0, hashlib.sha256()
while seen < total:
    data = os.read(0, 65536)
    seen += len(data)
    digest.update(data)
os.write(1, b"digest " + digest.hexdigest().encode() + b" end\\n")
"""
ECHO = "stty raw -echo; echo ready; exec cat"


def direct(attachment: Attachment) -> bool:
    """Whether it types past the daemon."""
    return attachment._state.outbox.direct is not None


def read_until(attachment: Attachment, wanted: bytes, *, reconnects: list[int] | None = None) -> bytes:
    seen = bytearray()
    while wanted not in seen:
        event = attachment.recv(30)
        assert not isinstance(event, (Gap, Exited, Detached, Stolen)) and event is not None, (event, bytes(seen[-200:]))
        if isinstance(event, Output):
            seen += event.data
        elif isinstance(event, Reconnected) and reconnects is not None:
            reconnects.append(event.input_bytes_in_doubt)
    return bytes(seen)


def echoed(attachment: Attachment, words: bytes) -> None:
    attachment.write(words)
    read_until(attachment, words)


def sink(client: Client, total: int, gate: Path | str = "") -> Attachment:
    attachment = client.spawn([sys.executable, "-c", SINK, str(total), str(gate)]).attach()
    read_until(attachment, b"ready")
    assert direct(attachment)
    return attachment


def digest_of(attachment: Attachment) -> str:
    return read_until(attachment, b" end").split()[-2].decode()


# ---- without the daemon ----


def test_a_session_answers_while_the_daemon_is_stopped(instance: Instance) -> None:
    with instance.client() as client:
        attachment = client.spawn(["sh", "-c", ECHO]).attach()
        read_until(attachment, b"ready")
        daemon = instance.note_pids()
        os.kill(daemon, signal.SIGSTOP)
        try:
            for number in range(20):
                echoed(attachment, b"stopped %d." % number)
        finally:
            os.kill(daemon, signal.SIGCONT)
        attachment.close()


def test_a_session_answers_while_no_daemon_lives_and_with_the_next_one() -> None:
    instance = Instance({"ROOST_NO_RESTART": "1"})
    try:
        instance.start()
        with instance.client() as client:
            attachment = client.spawn(["sh", "-c", ECHO]).attach()
            read_until(attachment, b"ready")
            os.kill(instance.note_pids(), signal.SIGKILL)
            for number in range(20):
                echoed(attachment, b"alone %d." % number)
            instance.start()
            reconnects: list[int] = []
            attachment.write(b"again")
            read_until(attachment, b"again", reconnects=reconnects)
            while not reconnects:
                event = attachment.recv(20)
                assert isinstance(event, Reconnected), event
                reconnects.append(event.input_bytes_in_doubt)
            assert reconnects == [0] and direct(attachment)
            echoed(attachment, b"together")
            attachment.close()
    finally:
        instance.end()


# ---- every byte once ----


@pytest.mark.parametrize("trouble", ["none", "daemon", "keeper"])
def test_a_large_paste_arrives_whole_and_in_order(instance: Instance, trouble: str) -> None:
    data = random.Random(1).randbytes(10_000_000)
    with instance.client() as client, instance.client() as other:
        attachment = sink(client, len(data))
        half = len(data) // 2
        attachment.write(data[:half], timeout_s=60)
        if trouble == "daemon":
            instance.kill_daemon()
        elif trouble == "keeper":
            upgrading = threading.Thread(target=other.upgrade_keeper)
            upgrading.start()
        attachment.write(data[half:], timeout_s=60)
        if trouble == "keeper":
            upgrading.join()
        assert digest_of(attachment) == hashlib.sha256(data).hexdigest()
        attachment.close()


def test_what_a_terminal_does_not_take_yet_survives_upgrade_and_kill(instance: Instance, tmp_path: Path) -> None:
    data, gate = random.Random(2).randbytes(200_000), tmp_path / "gate"
    with instance.client() as client:
        attachment = sink(client, len(data), gate)
        attachment.write(data[:150_000], timeout_s=20)
        client.upgrade_keeper()
        instance.kill_daemon()
        writer = threading.Thread(target=attachment.write, args=(data[150_000:],), kwargs={"timeout_s": 30})
        writer.start()
        gate.touch()
        writer.join()
        assert digest_of(attachment) == hashlib.sha256(data).hexdigest()
        attachment.close()


async def test_the_asyncio_client_types_directly_too(shared: Instance) -> None:
    data = random.Random(3).randbytes(2_000_000)
    async with AsyncClient(shared.socket, autostart=False) as client:
        session = await client.spawn([sys.executable, "-c", SINK, str(len(data)), ""])
        async with await session.attach() as attachment:
            seen = bytearray()
            while b"ready" not in seen:
                event = await attachment.recv(20)
                assert isinstance(event, Output)
                seen += event.data
            assert attachment._state.outbox.direct is not None
            await attachment.write(data, timeout_s=60)
            async for event in attachment:
                if isinstance(event, Output):
                    seen += event.data
    assert hashlib.sha256(data).hexdigest().encode() in seen


def test_what_was_typed_right_before_leaving_arrives(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", SINK, "3000", ""])
    for _ in range(3):
        with session.attach() as attachment:
            assert direct(attachment)
            attachment.write(b"x" * 1000)
    session.wait(20)
    assert hashlib.sha256(b"x" * 3000).hexdigest().encode() in session.logs(from_offset=0).data


# ---- who may type ----


def test_not_a_byte_of_a_victim_arrives_once_the_thief_is_there(client: Client) -> None:
    session = client.spawn(["sh", "-c", ECHO])
    for _ in range(5):
        victim = session.attach(steal=True)
        stop = threading.Event()

        def type_on(victim: Attachment = victim, stop: threading.Event = stop) -> None:
            with contextlib.suppress(WrongStateError, WriteTimeoutError, OSError):
                while not stop.is_set():
                    victim._state.ring.type(b"v")  # type: ignore[union-attr]
                    time.sleep(0)

        assert direct(victim)
        typing = threading.Thread(target=type_on)
        typing.start()
        try:
            with session.attach(steal=True, mode="exclusive") as thief:
                mark = b"<thief %d>" % random.getrandbits(60)
                thief.write(mark)
                read_until(thief, mark)
                thief.write(b"|end|")
                assert read_until(thief, b"|end|") == b"|end|"
        finally:
            stop.set()
            typing.join()
            victim.close()


def test_a_thief_of_a_stopped_clients_place_is_not_typed_beside(client: Client, tmp_path: Path) -> None:
    """What a victim has sent and the terminal has not taken is thrown away, not typed later."""
    gate, total = tmp_path / "gate", 400_000
    victim = sink(client, total, gate)
    session = client.session(victim.session_id)
    with pytest.raises(WriteTimeoutError):
        victim.write(b"v" * 2_000_000, timeout_s=0.2)
    with session.attach(steal=True) as thief:
        ring = victim._state.ring
        assert ring is not None and 0 < ring.taken < total
        gate.touch()
        thief.write(b"t" * (total - ring.taken), timeout_s=20)
        assert digest_of(thief) == hashlib.sha256(b"v" * ring.taken + b"t" * (total - ring.taken)).hexdigest()
    victim.close()


def test_those_who_share_type_both_directly(client: Client) -> None:
    session = client.spawn(["sh", "-c", ECHO])
    with session.attach(mode="share") as one, session.attach(mode="share") as two:
        read_until(one, b"ready"), read_until(two, b"ready")
        assert direct(one) and direct(two)
        echoed(one, b"first")
        read_until(two, b"first")
        echoed(two, b"second")


def test_views_pipes_and_those_who_say_so_type_through_the_daemon(client: Client) -> None:
    pty, pipe = client.spawn(["sh", "-c", ECHO]), client.spawn(["cat"], pipe=True)
    with pty.attach(mode="view") as view, pipe.attach() as piped, pty.attach(local=False) as sent:
        assert not direct(view) and not direct(piped) and not direct(sent)
        piped.write(b"through")
        read_until(piped, b"through")


# ---- nobody waits for somebody else ----


def test_a_child_that_does_not_read_holds_its_client_back_and_nobody_else(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    stuck, other = sink(client, 3_000_000, gate), client.spawn(["sh", "-c", ECHO]).attach()
    read_until(other, b"ready")
    with pytest.raises(WriteTimeoutError) as held:
        stuck.write(b"s" * 3_000_000, timeout_s=0.5)
    assert 0 < held.value.written < 1_000_000
    for number in range(20):
        echoed(other, b"beside %d." % number)
    gate.touch()
    stuck.write(b"s" * (3_000_000 - held.value.written), timeout_s=30)
    assert digest_of(stuck) == hashlib.sha256(b"s" * 3_000_000).hexdigest()
    stuck.close(), other.close()


def test_a_flood_of_input_leaves_other_sessions_their_output(client: Client) -> None:
    flooded = [client.spawn(["sh", "-c", "stty raw -echo; exec cat >/dev/null"]).attach() for _ in range(3)]
    stop = threading.Event()

    def flood(attachment: Attachment) -> None:
        with contextlib.suppress(WriteTimeoutError, WrongStateError):
            while not stop.is_set():
                attachment.write(b"x" * 65536, timeout_s=5)

    threads = [threading.Thread(target=flood, args=(attachment,)) for attachment in flooded]
    for thread in threads:
        thread.start()
    try:
        lines = client.spawn(["sh", "-c", "seq 200000"], ring_bytes=4 << 20)
        lines.wait(60)
        assert lines.logs(from_offset=0).data.endswith(b"\r\n200000\r\n")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for attachment in flooded:
            attachment.close()


# ---- where input has to be seen ----


def test_a_tee_of_stdin_sees_all_that_is_typed_after_it_began(client: Client, tmp_path: Path) -> None:
    session = client.spawn(["sh", "-c", ECHO])
    copy = tmp_path / "typed"
    with session.attach() as attachment:
        read_until(attachment, b"ready")
        echoed(attachment, b"unseen")
        client.add_tee(session.id, str(copy), stream="stdin")
        echoed(attachment, b"seen")
        assert not direct(attachment)
        eventually(lambda: copy.read_bytes() == b"seen", what="the tee has it")
    with session.attach() as attachment:
        assert not direct(attachment)


def test_typing_goes_on_without_loss_when_a_recording_of_input_begins(instance: Instance, tmp_path: Path) -> None:
    data = random.Random(4).randbytes(6_000_000)
    with instance.client() as client, instance.client() as other:
        gate = tmp_path / "gate"  # the child reads nothing before the recording has begun
        attachment = sink(client, len(data), gate)
        writer = threading.Thread(target=attachment.write, args=(data,), kwargs={"timeout_s": 60})
        writer.start()
        other.start_recording(attachment.session_id, str(tmp_path / "typed.cast"), input=True)
        gate.touch()
        writer.join()
        assert digest_of(attachment) == hashlib.sha256(data).hexdigest()
        assert not direct(attachment)
        attachment.close()


def test_what_is_typed_directly_counts_as_input(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["sh", "-c", ECHO], size_policy="latest")
        with (
            session.attach(mode="share", tty=True, rows=20, cols=70) as one,
            session.attach(mode="share", tty=True, rows=30, cols=90) as two,
        ):
            read_until(one, b"ready"), read_until(two, b"ready")
            for attachment, size in ((one, (20, 70)), (two, (30, 90)), (one, (20, 70))):
                attachment.write(b"x")
                eventually(lambda size=size: (session.info().rows, session.info().cols) == size, what=str(size))
        trail = instance.root / "state" / "roost" / "audit.jsonl"

        def counted() -> bool:
            lines = [json.loads(line) for line in trail.read_text().splitlines()] if trail.exists() else []
            return sum(line["bytes"] for line in lines if line["kind"] == "input") == 3

        eventually(counted, what="the trail counts three bytes")


def test_an_input_that_nobody_came_back_for_ends_with_its_place() -> None:
    """A client that the next daemon does not know any more cannot go on typing beside others."""
    instance = Instance({"ROOST_NO_RESTART": "1"})
    try:
        instance.start()
        with instance.client() as client:
            absent = client.spawn(["sh", "-c", ECHO]).attach()
            read_until(absent, b"ready")
            os.kill(instance.note_pids(), signal.SIGKILL)
            echoed(absent, b"alone")
            instance.start()
        with instance.client() as client, client.attach(absent.session_id, steal=True) as thief:
            with pytest.raises(BrokenPipeError):
                absent._state.ring.type(b"v")  # type: ignore[union-attr]
            echoed(thief, b"mine")
            absent.close()
    finally:
        instance.end()
