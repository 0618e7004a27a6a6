"""Tees through the whole of roost: v1's answers in v1's order, the command line, and daemons that are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.instance import Instance, eventually
from support.tees import check_copy, rotated
from support.v1 import V1Client

from roost.client import TeeOptions
from roost.model import TeeInfo
from roost.wire import daemon_v1_pb2 as pb

OK = 0

#: Writes numbered lines as fast as they are taken, once it is told to.
COUNTER = """
import os, sys
total = int(sys.argv[1])
sys.stdin.buffer.read(1)
n = 0
while n < total:
    block = b"".join(b"%09d\\n" % i for i in range(n, min(n + 400, total)))
    n = min(n + 400, total)
    while block:
        block = block[os.write(1, block):]
"""


def numbers(total: int) -> bytes:
    return b"".join(b"%09d\n" % i for i in range(total))


def order(path: Path | str, session_id: str, **fields: Any) -> pb.RegisterSessionTeeRequest:
    fields = {"session_kind": 2, "stream": 2, "sink_kind": 1} | fields
    return pb.RegisterSessionTeeRequest(session_id=session_id, file_path=os.fsencode(path), **fields)


# --- v1 ---------------------------------------------------------------------------------------------------------------


def test_v1_registers_tells_and_unregisters(v1: V1Client, tmp_path: Path) -> None:
    session = v1.spawn_pipe("cat")
    first = v1.request(75, order(tmp_path / "out", session.session_id))
    second = v1.request(75, order(tmp_path / "in", session.session_id, stream=4))
    assert [(a.code, a.message, a.register_session_tee.tee_handle) for a in (first, second)] == [
        (OK, "OK", 1),
        (OK, "OK", 2),
    ]
    v1.request(70, pb.WritePipeStdinRequest(session_id=session.session_id, data=b"hello\n"))
    eventually(lambda: (tmp_path / "out").read_bytes() == b"hello\n" == (tmp_path / "in").read_bytes())
    which: dict[str, Any] = {"session_id": session.session_id, "session_kind": 2}
    status = v1.request(77, pb.GetSessionTeeStatusRequest(tee_handle=2, **which))
    assert (status.message, status.get_session_tee_status.stream) == ("OK", 4)
    assert not status.get_session_tee_status.missed_bytes and not status.get_session_tee_status.disconnected
    gone = v1.request(76, pb.UnregisterSessionTeeRequest(tee_handle=1, **which))
    assert (gone.code, gone.HasField("unregister_session_tee")) == (OK, True)
    again = v1.request(76, pb.UnregisterSessionTeeRequest(tee_handle=1, **which))
    assert (again.code, again.HasField("unregister_session_tee")) == (code("NOT_FOUND"), False)
    v1.request(70, pb.WritePipeStdinRequest(session_id=session.session_id, data=b"more\n", close=True))
    eventually(lambda: (tmp_path / "in").read_bytes() == b"hello\nmore\n")
    assert (tmp_path / "out").read_bytes() == b"hello\n"
    third = v1.request(75, order(tmp_path / "third", session.session_id))
    assert third.register_session_tee.tee_handle == 3, "handles are not used again"


def code(name: str) -> int:
    return int(pb.StatusCode.Value(f"STATUS_CODE_{name}"))


@pytest.mark.parametrize(
    ("fields", "expected", "words"),
    [
        ({"session_id": "", "sink_kind": 9}, "INVALID_ARGUMENT", "session_id"),
        ({"sink_kind": 9, "stream": 0}, "INVALID_ARGUMENT", "sink kind"),
        ({"sink_kind": 0, "stream": 0}, "INVALID_ARGUMENT", "sink"),
        ({"stream": 0, "file_path": b""}, "INVALID_ARGUMENT", "stream"),
        ({"stream": 77, "file_path": b""}, "INVALID_ARGUMENT", "stream"),
        ({"file_path": b"", "file_mode": 9}, "INVALID_ARGUMENT", "path"),
        ({"file_mode": 9, "backpressure": 9}, "INVALID_ARGUMENT", "mode"),
        ({"backpressure": 9, "session_kind": 9}, "INVALID_ARGUMENT", "backpressure"),
        ({"session_kind": 0, "session_id": "nobody"}, "INVALID_ARGUMENT", "kind"),
        ({"session_id": "nobody", "stream": 1}, "NOT_FOUND", "nobody"),
        ({"session_kind": 1}, "NOT_FOUND", "session"),
        ({"stream": 1, "file_path": b"/no/such/file"}, "INVALID_ARGUMENT", "stream"),
        ({"file_path": b"/no/such/file"}, "INTERNAL", "No such file"),
        ({"file_path": b"/"}, "INTERNAL", "directory"),
        ({"file_path": b"/tmp/a\0b"}, "INVALID_ARGUMENT", "NUL"),
    ],
)
def test_v1_checks_in_v1s_order(
    v1: V1Client, tmp_path: Path, fields: dict[str, Any], expected: str, words: str
) -> None:
    session = v1.spawn_pipe("true")
    request = order(tmp_path / "x", session.session_id)
    for name, value in fields.items():
        setattr(request, name, value)
    answer = v1.request(75, request)
    assert (answer.code, answer.HasField("register_session_tee")) == (code(expected), False)
    assert words in answer.message


def test_v1_refuses_a_missing_payload_and_stderr_of_a_merged_session(v1: V1Client, tmp_path: Path) -> None:
    assert "payload missing" in v1.request(75).message
    session = v1.spawn_pipe("cat", merge_stderr_into_stdout=True)
    answer = v1.request(75, order(tmp_path / "x", session.session_id, stream=3))
    assert answer.code == code("INVALID_ARGUMENT")


def test_a_tee_closes_with_its_session_and_answers_until_purge(v1: V1Client, tmp_path: Path) -> None:
    session = v1.spawn("sh", "-c", "read x; echo done", originator="tee-purge")
    v1.request(75, order(tmp_path / "out", session.session_id, session_kind=1, stream=1))
    typed = pb.RoostCall(method="sessions.send", params=b'{"target":"%s"}' % session.session_id.encode(), data=b"\n")
    assert v1.request(1000, typed).code == OK
    eventually(lambda: tee_state(v1, session.session_id, 1) == "closed")
    assert b"done\r\n" in (tmp_path / "out").read_bytes()
    which: dict[str, Any] = {"session_id": session.session_id, "session_kind": 1, "tee_handle": 1}
    assert v1.request(77, pb.GetSessionTeeStatusRequest(**which)).code == OK
    v1.request(72, pb.PurgeExitedSessionsRequest(originator="tee-purge"))
    assert v1.request(77, pb.GetSessionTeeStatusRequest(**which)).code == code("NOT_FOUND")


def tee_state(v1: V1Client, target: str, handle: int) -> str:
    (state,) = [tee["state"] for tee in v1.call("tees.list", target=target)["tees"] if tee["handle"] == handle]
    return str(state)


def test_a_file_that_hangs_hurts_nobody_and_counts_what_it_misses(v1: V1Client, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        session = v1.spawn_pipe("python3", "-c", COUNTER, "300000")
        v1.request(75, order(tmp_path / "fifo", session.session_id, queue_capacity=1))
        v1.request(70, pb.WritePipeStdinRequest(session_id=session.session_id, data=b"g"))
        assert v1.call("sessions.wait", target=session.session_id, timeout_s=30)["code"] == 0
        (tee,) = v1.call("tees.list", target=session.session_id)["tees"]
        assert (tee["state"], tee["missed_bytes"] > 2_000_000) == ("open", True)
        copy = bytearray()

        def read() -> bool:
            try:
                copy.extend(os.read(reader, 1 << 20))
            except BlockingIOError:
                return False
            return tee_state(v1, session.session_id, 1) == "closed" and copy.endswith(b"299999\n")

        eventually(read)
        (tee,) = v1.call("tees.list", target=session.session_id)["tees"]
        assert check_copy(bytes(copy), numbers(300000)) == tee["missed_bytes"]
    finally:
        os.close(reader)


def test_a_session_whose_blocking_tee_hangs_is_named_ended_and_purged(shared: Instance, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with shared.client() as client:
            tee = TeeOptions(os.fsencode(tmp_path / "fifo"), block=True)
            session = client.spawn(["yes"], pipe=True, ring_bytes=1 << 16, tees=[tee])
            # The ring and the pipe are full then; a pipe has two pages where its owner has very many.
            eventually(lambda: session.info().end_offset >= (1 << 16) + (1 << 13))
            assert session.info().held_by == "tee 1"
            (result,) = client.terminate(session.id, grace_s=0.3)
            assert (result.signal, list(result.survivors)) == (15, [])
            assert client.purge(session.id) == [session.id]
    finally:
        os.close(reader)


# --- from the first byte on, the command line -------------------------------------------------------------------------


def test_a_spawn_brings_tees_from_the_first_byte_on(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        session = client.spawn(
            ["sh", "-c", "echo out; echo err >&2; cat"],
            pipe=True,
            tees=[
                tmp_path / "out",
                TeeOptions(os.fsencode(tmp_path / "err"), stream="stderr"),
                TeeOptions(os.fsencode(tmp_path / "in"), stream="stdin"),
            ],
        )
        session.send(b"typed\n")
        session.close_stdin()
        session.wait(timeout_s=20)
        eventually(lambda: {tee.state for tee in client.tees(session.id)} == {"closed"})
        contents = [(tmp_path / name).read_bytes() for name in ("out", "err", "in")]
        assert contents == [b"out\ntyped\n", b"err\n", b"typed\n"]
        again = session.restart()
        assert [tee.handle for tee in client.tees(again.id)] == [1, 2, 3], "a restarted session keeps its tees"
        again.close_stdin()
        again.wait(timeout_s=20)
        eventually(lambda: (tmp_path / "err").read_bytes() == b"err\n" * 2)


def test_a_blocking_tee_has_the_first_byte_of_a_child_that_is_faster_than_we_are(
    shared: Instance, tmp_path: Path
) -> None:
    with shared.client() as client:
        for number in range(5):
            tee = TeeOptions(os.fsencode(tmp_path / str(number)), block=True)
            session = client.spawn(["head", "-c", "3000000", "/dev/zero"], pipe=True, ring_bytes=1 << 16, tees=[tee])
            eventually(lambda: client.tees(session.id)[0].state == "closed")  # noqa: B023
            assert (tmp_path / str(number)).stat().st_size == 3_000_000


def test_a_spawn_whose_tee_cannot_be_is_refused(shared: Instance, tmp_path: Path) -> None:
    with shared.client() as client:
        before = len(client.list())
        with pytest.raises(Exception, match="No such file"):
            client.spawn(["true"], tees=[tmp_path / "no" / "such"])
        with pytest.raises(Exception, match="stderr"):
            client.spawn(["true"], tees=[TeeOptions(os.fsencode(tmp_path / "x"), stream="stderr")])
        assert len(client.list()) == before


def test_the_command_line_adds_lists_and_removes(shared: Instance, tmp_path: Path) -> None:
    out = tmp_path / "copy.log"
    shared.roost("run", "-d", "-n", "teed", "--tee", str(tmp_path / "first"), "--", "cat")
    assert shared.roost("tee", "add", "teed", str(out), "--truncate").stdout == b"2\n"
    shared.roost("send", "teed", "hello")
    eventually(lambda: b"hello" in out.read_bytes() and out.read_bytes() == (tmp_path / "first").read_bytes())
    tees = shared.json("tee", "ls", "teed")
    assert [(t["handle"], t["path"], t["state"]) for t in tees] == [
        (1, str(tmp_path / "first"), "open"),
        (2, str(out), "open"),
    ]
    assert str(out).encode() in shared.roost("tee", "ls").stdout
    shared.roost("tee", "rm", "teed", "2")
    assert len(shared.json("tee", "ls", "teed")) == 1
    assert shared.roost("tee", "rm", "teed", "2", check=False).returncode != 0


# --- killed daemons ---------------------------------------------------------------------------------------------------

#: Writes numbered lines in bursts until its stdin is closed.
STREAM = """
import os, select, time
n = 0
while not select.select([0], [], [], 0)[0]:
    block = b"".join(b"%09d\\n" % i for i in range(n, n + 3200))
    n += 3200
    while block:
        block = block[os.write(1, block):]
    time.sleep(0.003)
"""


@pytest.fixture
def mortal() -> Iterator[Instance]:
    """A roost whose daemon is started by the test alone, at once: the keeper would wait longer from death to death."""
    one = Instance({"ROOST_NO_RESTART": "1"})
    try:
        one.start()
        yield one
    finally:
        one.end()


@pytest.mark.parametrize("rotate_bytes", [0, 3_000_000])
def test_a_blocking_copy_is_byte_for_byte_the_stream_through_many_kills(
    mortal: Instance, tmp_path: Path, rotate_bytes: int
) -> None:
    copy, status = copy_through_kills(mortal, tmp_path, block=True, rotate_bytes=rotate_bytes, keep=100)
    assert copy == numbers(len(copy) // 10)
    assert (status.written_bytes, status.missed_bytes) == (len(copy), 0)
    assert not rotate_bytes or len(rotated(tmp_path / "copy")) > 2


@pytest.mark.parametrize("rotate_bytes", [0, 300_000])
def test_a_copy_that_may_miss_something_misses_exactly_what_it_says_through_many_kills(
    mortal: Instance, tmp_path: Path, rotate_bytes: int
) -> None:
    copy, status = copy_through_kills(mortal, tmp_path, rotate_bytes=rotate_bytes, keep=100)
    total = status.written_bytes + status.missed_bytes
    assert check_copy(copy, numbers(total // 10)) == status.missed_bytes > 0


def copy_through_kills(mortal: Instance, tmp_path: Path, **options: Any) -> tuple[bytes, TeeInfo]:
    """The copy of a stream that goes on while one daemon after the other is killed."""
    chance = random.Random(repr(options))
    pause = threading.Event()
    with mortal.client() as client:
        tee = TeeOptions(os.fsencode(tmp_path / "copy"), **options)
        session = client.spawn(["python3", "-c", STREAM], pipe=True, ring_bytes=1 << 17, tees=[tee])
        for _ in range(10):
            before = client.tees(session.id)[0].written_bytes
            eventually(lambda: client.tees(session.id)[0].written_bytes > before)  # noqa: B023
            pause.wait(chance.uniform(0, 0.1))
            os.kill(mortal.note_pids(), signal.SIGKILL)
            mortal.start()
        session.close_stdin()
        assert session.wait(timeout_s=30).code == 0
        eventually(lambda: client.tees(session.id)[0].state == "closed")
        (status,) = client.tees(session.id)
    assert not status.uncertain
    return b"".join(file.read_bytes() for file in rotated(tmp_path / "copy")), status


def test_two_tees_on_one_file_lose_nothing_and_are_said_to_be_uncertain(mortal: Instance, tmp_path: Path) -> None:
    program = "while read x; do echo out $x; echo err $x >&2; done"
    with mortal.client() as client:
        tees = [TeeOptions(os.fsencode(tmp_path / "copy"), stream=name) for name in ("stdout", "stderr")]
        session = client.spawn(["sh", "-c", program], pipe=True, tees=tees)
        for number in range(3):
            session.send(b"%d\n" % number)
            last = {b"out %d" % number, b"err %d" % number}
            eventually(lambda: last <= set((tmp_path / "copy").read_bytes().splitlines()))  # noqa: B023
            os.kill(mortal.note_pids(), signal.SIGKILL)
            mortal.start()
        session.close_stdin()
        eventually(lambda: {tee.state for tee in client.tees(session.id)} == {"closed"})
        assert all(tee.uncertain for tee in client.tees(session.id))
    expected = [f"{name} {number}" for name in ("out", "err") for number in range(3)]
    assert sorted(set((tmp_path / "copy").read_text().splitlines())) == sorted(expected)


def test_a_stdin_tee_goes_on_in_the_next_daemon_and_says_that_it_cannot_be_certain(
    instance: Instance, tmp_path: Path
) -> None:
    with instance.client() as client:
        session = client.spawn(["cat"], pipe=True)
        client.add_tee(session.id, tmp_path / "in", stream="stdin")
        session.send(b"one\n")
        eventually(lambda: (tmp_path / "in").read_bytes() == b"one\n")
        instance.kill_daemon()
        session.send(b"two\n")
        eventually(lambda: (tmp_path / "in").read_bytes() == b"one\ntwo\n")
        assert client.tees(session.id)[0].uncertain


def test_an_orderly_restart_leaves_nothing_behind(instance: Instance, tmp_path: Path) -> None:
    with instance.client() as client:
        session = client.spawn(["cat"], pipe=True, tees=[TeeOptions(os.fsencode(tmp_path / "in"), stream="stdin")])
        session.send(b"one\n")
        old = instance.note_pids()
        instance.roost("daemon", "restart")
        instance.wait_for_next(old)
        session.send(b"two\n")
        eventually(lambda: (tmp_path / "in").read_bytes() == b"one\ntwo\n")
        assert not client.tees(session.id)[0].uncertain


def test_a_run_ends_when_its_tees_have_everything_and_says_what_they_lack(shared: Instance, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    done = shared.roost(
        "run", "--tee", str(path), "--tee", "/dev/full", "--", "sh", "-c", "seq 50000; exit 3", check=False
    )
    assert (done.returncode, path.read_bytes()) == (3, done.stdout)
    size = f"{len(done.stdout):,}"
    assert done.stderr.decode() == f"roost: /dev/full lacks {size} bytes of the output: No space left on device\n"
