"""What holds when the daemon is killed: no session lost, no byte lost or repeated, an attached client carries on."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import sqlite3
import threading
from contextlib import closing

import pytest
from support.events import call, journal, types
from support.instance import Instance, alive, eventually
from support.v1 import V1Client

from roost.client import Attachment
from roost.errors import WaitTimeoutError
from roost.model import Exited, Gap, Output, Reconnected

#: Writes numbered lines as fast as the terminal takes them.
COUNTER = """
import os, sys, termios, tty
tty.setraw(1, termios.TCSANOW)  # keep input that is there already
n, total = 0, int(sys.argv[1])
os.read(0, 1)
while n < total:
    block = b"".join(b"%09d\\n" % i for i in range(n, min(n + 400, total)))
    n = min(n + 400, total)
    while block:
        block = block[os.write(1, block):]
"""


def expected(total: int) -> bytes:
    return b"".join(b"%09d\n" % i for i in range(total))


def test_sessions_pids_and_output_survive_sigkill(instance: Instance) -> None:
    with V1Client(instance.socket) as client:
        spawned = client.spawn("sh", "-c", "echo before; read x; echo after $x; exit 3")
        eventually(lambda: b"before" in instance.roost("logs", spawned.session_id).stdout)
    instance.kill_daemon()
    assert alive(spawned.pid)
    with V1Client(instance.socket) as client:
        client.call("daemon.status")
        client.until(b"before", client.attach(spawned.session_id).attach_pty_session.backlog)
        client.type(b"x\n")
        output, last = client.rest()
    assert b"after x" in output and last.exit_code == 3


def test_a_lossless_client_sees_every_byte_once_through_many_kills(instance: Instance) -> None:
    total = 400_000
    with instance.client() as client:
        session = client.spawn(["python3", "-c", COUNTER, str(total)])
        attachment = session.attach(lossless=True)
        attachment.write(b"g")
        stop = threading.Event()
        killer = threading.Thread(target=_kill_often, args=(instance, stop))
        killer.start()
        try:
            seen, reconnects, last = bytearray(), 0, None
            for event in attachment:
                if isinstance(event, Output):
                    assert event.offset == len(seen), "a repeat or a hole"
                    seen += event.data
                elif isinstance(event, Gap):
                    raise AssertionError(f"a gap in a lossless attachment: {event}")
                elif isinstance(event, Reconnected):
                    reconnects += 1
                elif isinstance(event, Exited):
                    last = event
        finally:
            stop.set()
            killer.join()
    assert last is not None and last.code == 0
    assert bytes(seen).removeprefix(b"g") == expected(total)  # the terminal may have echoed the start signal
    assert reconnects >= 1, "the daemon was never killed under the client"


def _kill_often(instance: Instance, stop: threading.Event) -> None:
    chance = random.Random(7)
    for _ in range(6):
        if stop.wait(chance.uniform(0.02, 0.2)):
            return
        instance.kill_daemon()


def test_an_unattached_session_keeps_writing_while_no_daemon_lives(instance: Instance) -> None:
    instance.end()
    instance.__init__({"ROOST_NO_RESTART": "1"})  # type: ignore[misc]
    instance.start()
    with V1Client(instance.socket) as client:
        spawned = client.spawn("python3", "-c", COUNTER, "300000")
        pid = instance.note_pids()
        client.call("sessions.get", target=spawned.session_id)
    with V1Client(instance.socket) as client:
        client.attach(spawned.session_id)
        client.type(b"g")
        client.until(b"000000100")
    os.kill(pid, signal.SIGKILL)
    instance._process.wait()  # type: ignore[union-attr]
    eventually(lambda: not alive(spawned.pid), what="the child finishes without a daemon")
    instance.start()
    answer = instance.roost("logs", spawned.session_id, "--raw").stdout
    assert answer == expected(300000)[-(1 << 20) :]


def test_spawning_again_with_the_same_id_after_a_crash_gives_the_first_session(instance: Instance) -> None:
    with instance.client() as client:
        first = client.spawn(["sleep", "1000"], spawn_id="once")
        instance.kill_daemon()
        again = client.spawn(["sleep", "1000"], spawn_id="once")
        assert (again.id, again.info().pid) == (first.id, first.info().pid)
        assert len(client.list()) == 1


def test_names_labels_sizes_and_exits_are_known_to_the_next_daemon(instance: Instance) -> None:
    with instance.client() as client:
        one = client.spawn(["sh", "-c", "exit 4"], name="one", labels={"a": "b"}, cwd="/tmp")
        two = client.spawn(["cat"], name="two", rows=40, cols=100, originator="me:1")
        one.wait(timeout_s=20)
        client.resize("two", 41, 101)
        client.rename("two", "zwei")
        before = {s.id: s for s in client.list()}
        instance.kill_daemon()
        after = {s.id: s for s in client.list()}
    assert after.keys() == before.keys()
    assert (after[one.id].exit_code, after[one.id].labels, after[one.id].state) == (4, {"a": "b"}, "exited")
    changed = after[two.id]
    assert (changed.name, changed.rows, changed.cols, changed.originator) == ("zwei", 41, 101, "me:1")


def test_a_terminate_under_way_is_finished_by_the_next_daemon(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"])
        eventually(lambda: b"ready" in client.backlog(session.id).data)
        client.terminate(session.id, grace_s=3.0, wait=False)
        instance.kill_daemon()
        status = client.wait(session.id, timeout_s=20)
    assert (status.code, status.outcome) == (-9, "hard")


def test_a_keeper_upgrade_under_load_loses_nothing(instance: Instance) -> None:
    total = 300_000
    with instance.client() as client, instance.client() as other:
        session = client.spawn(["python3", "-c", COUNTER, str(total)])
        pid = instance.status()["keeper_pid"]
        attachment = session.attach(lossless=True)
        attachment.write(b"g")
        seen = bytearray()
        upgrades = 0
        for event in attachment:
            if isinstance(event, Output):
                assert event.offset == len(seen)
                seen += event.data
                if len(seen) > upgrades * 500_000 and upgrades < 5:
                    upgrades += 1
                    assert other.upgrade_keeper()["keeper_pid"] == pid
    assert bytes(seen).removeprefix(b"g") == expected(total) and upgrades == 5


def test_the_tour_of_a_dead_keeper_is_honest(instance: Instance) -> None:
    with instance.client() as client:
        session = client.spawn(["sleep", "1000"])
        keeper = instance.status()["keeper_pid"]
        old = instance.note_pids()
        os.kill(keeper, signal.SIGKILL)
    eventually(lambda: (s := instance.status_or_none()) and s["keeper_pid"] != keeper, what="a new keeper")
    instance.note_pids()
    assert old
    with instance.client() as client:
        assert re.match("s-", client.spawn(["true"]).id)
        assert session.id not in {s.id for s in client.list()}


def test_a_lossless_client_that_is_slow_to_come_back_keeps_its_place_through_another_kill(instance: Instance) -> None:
    total = 300_000
    with instance.client() as client:
        session = client.spawn(["python3", "-c", COUNTER, str(total)], ring_bytes=1 << 16)
        quick, slow = (session.attach(mode="view", lossless=True, from_offset=0) for _ in range(2))
        with quick, slow:
            session.send(b"g")
            seen = {quick: bytearray(), slow: bytearray()}
            for attachment in (quick, slow):
                take(attachment, seen[attachment])
            for _ in range(2):
                instance.kill_daemon()
                take(quick, seen[quick])  # reads all it may: the other one holds the child back
            open_ends = [quick, slow]
            while open_ends:
                open_ends = [attachment for attachment in open_ends if not take(attachment, seen[attachment])]
    for data in seen.values():
        assert bytes(data).removeprefix(b"g") == expected(total)


def take(attachment: Attachment, into: bytearray) -> bool:
    """Read what comes within a moment, exactly; whether it was the end."""
    while True:
        try:
            event = attachment.recv(0.3)
        except WaitTimeoutError:
            return False
        assert not isinstance(event, Gap), f"a gap in a lossless attachment: {event}"
        if isinstance(event, Output):
            into += event.data
        elif event is None or isinstance(event, Exited):
            return True


def test_ten_megabytes_of_input_arrive_complete_and_in_order(instance: Instance) -> None:
    reader = "import hashlib,os,sys,tty; tty.setraw(0); print('ready', flush=True); h = hashlib.sha256(); n = 0\n"
    reader += "while n < 10_000_000:\n    d = os.read(0, 65536); h.update(d); n += len(d)\nprint(h.hexdigest())"
    data = random.Random(5).randbytes(10_000_000)
    instance.roost("run", "-d", "--name", "reader", "--", "python3", "-c", reader)
    eventually(lambda: b"ready" in instance.roost("logs", "reader").stdout)
    instance.roost("send", "--to", "reader", "--raw", "-", stdin=data)
    instance.roost("wait", "reader")
    assert hashlib.sha256(data).hexdigest().encode() in instance.roost("logs", "reader").stdout


def test_a_daemon_that_leaves_answers_nothing_about_sessions_that_it_has_given_up(instance: Instance) -> None:
    """What is asked at its very end is for the next daemon, and so is a child that ends then."""
    daemon = instance.note_pids()
    path = instance.root / "state/roost/events.sqlite3"
    with V1Client(instance.socket) as client, closing(sqlite3.connect(path, isolation_level=None)) as journal_file:
        child = client.spawn("sleep", "1000")
        eventually(lambda: "spawned" in types(journal(client)))
        journal_file.execute("BEGIN IMMEDIATE")  # the daemon waits for it at its end
        call(client, "sessions.rename", target=child.session_id, name="told-late")
        os.kill(daemon, signal.SIGTERM)
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                answer = client.request(63)
                assert not answer.code, answer.message
        assert alive(daemon), "there was no moment in which it could have been asked"
        os.kill(child.pid, signal.SIGKILL)
        eventually(lambda: not alive(child.pid))
        journal_file.execute("ROLLBACK")
    eventually(lambda: not alive(daemon))
    instance.start()
    assert "Traceback" not in instance.log()
    with V1Client(instance.socket) as client:
        eventually(lambda: "exited" in types(journal(client)))
        told = [e["type"] for e in journal(client, categories=["lifecycle"]) if e["session_id"] == child.session_id]
        assert told == ["spawned", "started", "renamed", "exited"]
