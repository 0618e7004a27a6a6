"""Clients of plain v1 whose connections the keeper serves: every byte once and in order, whoever has the connection."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance, alive, eventually
from support.typist import BULK, END, QUIET, Typist, bulk_of, lent, stopped
from support.v1 import V1Client

from roost.wire import daemon_v1_pb2 as pb


@pytest.fixture
def typist(shared: Instance) -> Iterator[Typist]:
    with Typist(shared) as one:
        yield one


# ---- lent ----


def test_keys_are_answered_without_the_daemon(typist: Typist, shared: Instance) -> None:
    typist.until_lent()
    with stopped(shared.note_pids()):
        for number in range(50):
            typist.key(b"%d." % number)
        typist.sock.sendall(b"".join(b"\0\0\0\3\n\1" + b"%c" % one for one in b"several at once"))
        typist.typed.update(b"several at once")
        assert typist.exactly(15) == b"several at once"
        typist.check_digest()
    assert typist.is_lent()


def test_what_is_no_keystroke_comes_through_the_daemon(typist: Typist) -> None:
    typist.until_lent()
    typist.send_raw(pb.PtyInputFrame(resize=pb.PtyResize(rows=31, cols=97)).SerializeToString())
    typist.key(b"after the resize")
    with V1Client(typist.instance.socket) as other:
        found = other.request(63, pb.ListPtySessionsRequest()).list_pty_sessions.sessions
        assert [(s.rows, s.cols) for s in found if s.session_id == typist.session] == [(31, 97)]
    typist.until_lent()


@pytest.mark.parametrize("cut", [1, 4, 5, 7])
def test_a_frame_that_comes_in_parts_is_one(typist: Typist, cut: int) -> None:
    typist.until_lent()
    frame = b"\0\0\0\7\n\5parts"
    typist.sock.sendall(frame + frame[:cut])
    assert typist.exactly(5) == b"parts"
    typist.sock.sendall(frame[cut:])
    assert typist.exactly(5) == b"parts"
    typist.typed.update(b"partsparts")
    typist.check_digest()


def test_a_listing_knows_where_the_client_is(typist: Typist) -> None:
    typist.until_lent()
    typist.key(b"later")
    with V1Client(typist.instance.socket) as other:
        found = other.call("sessions.get", target=typist.session)
    assert typist.is_lent() and found["attached"]
    assert [(c["lag"], c["offset"]) for c in found["clients"]] == [(0, found["end_offset"])]


# ---- bulk ----


def test_bulk_output_in_the_middle_is_exact(shared: Instance) -> None:
    size = 10_000_000
    with Typist(shared, bulk=size) as typist:
        typist.until_lent()
        wanted = bulk_of(size + 90)
        for _ in range(2):
            typist.type(BULK)
            at = 0
            while at < size:
                frame = typist.frame()
                if frame.WhichOneof("frame") == "missed_bytes":
                    at += frame.missed_bytes
                    continue
                assert frame.output == wanted[at % 90 : at % 90 + len(frame.output)], at
                at += len(frame.output)
            assert at == size
            typist.until_lent()
        typist.check_digest()


def test_a_paste_in_the_middle_is_exact(shared: Instance) -> None:
    with Typist(shared) as typist:
        typist.until_lent()
        typist.type(QUIET)
        rest = random.Random(5)
        left = 10_000_000
        while left > 0:
            data = rest.randbytes(min(left, rest.choice([1, 20, 100, 500, 5000, 60000])))
            data = data.translate(None, b"\1\2\3\4")
            typist.type(data)
            typist.typed.update(data)
            left -= len(data)
        typist.check_digest()
        typist.type(QUIET)
        typist.until_lent()
        typist.check_digest()


def test_a_client_that_does_not_read_misses_nothing_that_is_kept(shared: Instance) -> None:
    size = 3000
    with Typist(shared, bulk=size) as typist:
        typist.until_lent()
        for _ in range(200):  # more than a socket takes
            typist.sock.sendall(b"\0\0\0\3\n\1" + BULK)
        eventually(lambda: not typist.is_lent(), what="the connection is given back")
        assert typist.exactly(200 * size) == bulk_of(size) * 200
        typist.until_lent()
        typist.check_digest()


@contextlib.contextmanager
def meddling(typist: Typist, path: str) -> Iterator[None]:
    """Somebody has the connection taken back again and again: for input to be shown, for a new keeper."""
    done, faults = threading.Event(), []

    def meddle() -> None:
        with V1Client(typist.instance.socket) as other:
            for step in itertools.count():
                handle = other.call("tees.add", target=typist.session, stream="stdin", path=path)["handle"]
                if step % 3 == 2:
                    other.call("daemon.upgrade_keeper")
                other.call("tees.remove", target=typist.session, handle=handle)
                with typist.instance.client() as client:
                    client.attach(typist.session, mode="view").close()
                if done.wait(0.05):
                    return

    def guarded() -> None:
        try:
            meddle()
        except BaseException as error:  # noqa: BLE001 - told to the test
            faults.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)
    assert not faults and not thread.is_alive(), faults


class Reader:
    """Takes the output of a client in a thread; `room` keeps those who cause it within what the ring holds."""

    def __init__(self, typist: Typist) -> None:
        self.seen, self.wanted = bytearray(), bytearray()
        self.room = threading.Semaphore(20)
        self._typist = typist
        self._ends: list[int] = []
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def want(self, data: bytes) -> None:
        """That is to come; waits while much is on its way."""
        self.wanted += data
        if len(data) > 100:
            self._ends.append(len(self.wanted))
            assert self.room.acquire(timeout=30)

    def _read(self) -> None:
        ended = 0
        while not self._is_done.is_set() or len(self.seen) < len(self.wanted):
            frame = self._typist.frame()
            assert frame.WhichOneof("frame") == "output", frame
            self.seen += frame.output
            while ended < len(self._ends) and len(self.seen) >= self._ends[ended]:
                ended += 1
                self.room.release()

    def end(self) -> None:
        """Before the last bytes are typed that this waits for."""
        self._is_done.set()

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("meddled", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_keys_bulk_pastes_and_resizes_in_any_order_are_exact_both_ways(
    instance: Instance, tmp_path: Path, seed: int, meddled: bool
) -> None:
    chance = random.Random(seed)
    size = 20_000
    with Typist(instance, bulk=size) as typist, contextlib.ExitStack() as stack:
        typist.until_lent()
        if meddled:
            stack.enter_context(meddling(typist, str(tmp_path / "input")))
        reader = Reader(typist)
        try:
            for _ in range(1500):
                what = chance.random()
                if what < 0.90:
                    lengths = [1, 1, 1, 3, 20] if what < 0.85 else [122, 130, 4000, 20000]
                    data = bytes(chance.choices(range(32, 127), k=chance.choice(lengths)))
                    reader.want(data)
                    typist.typed.update(data)
                    typist.type(data)
                elif what < 0.95:
                    resize = pb.PtyResize(rows=chance.randint(10, 90), cols=80)
                    typist.send_raw(pb.PtyInputFrame(resize=resize).SerializeToString())
                else:
                    reader.want(bulk_of(size))
                    typist.type(BULK)
                if chance.random() < 0.3:
                    time.sleep(chance.choice([0, 0.0005, 0.003]))  # quiet moments, not to wait for anything
        finally:
            reader.want(b"!")
            typist.typed.update(b"!")
            reader.end()
            typist.type(b"!")
            reader.join()
        assert reader.seen == reader.wanted
        typist.check_digest()


# ---- other clients, and ends ----


def test_who_is_refused_changes_nothing(typist: Typist) -> None:
    typist.until_lent()
    with V1Client(typist.instance.socket) as other:
        assert other.attach(typist.session).code != 0
    typist.key(b"still here")
    typist.check_digest()


def test_a_view_sees_what_is_typed_past_the_daemon(typist: Typist) -> None:
    typist.until_lent()
    with typist.instance.client() as client:
        view = client.attach(typist.session, mode="view")
        typist.key(b"see this")
        seen = b""
        while b"see this" not in seen:
            seen += getattr(view.recv(20), "data", b"")
        view.close()
    typist.until_lent()


def test_who_was_stolen_from_types_nothing_more(typist: Typist) -> None:
    typist.until_lent()
    with Typist(typist.instance, session=typist.session, steal=True) as thief:
        with contextlib.suppress(BrokenPipeError):
            for _ in range(50):
                typist.type(b"late")
        assert typist.rest()[1].WhichOneof("frame") == "stolen_by"
        thief.typed = typist.typed.copy()
        thief.until_lent()
        thief.check_digest()


@pytest.mark.parametrize("how", ["frame", "call"])
def test_a_detached_client_is_told_and_the_session_goes_on(typist: Typist, how: str) -> None:
    typist.until_lent()
    if how == "frame":
        typist.send_raw(pb.PtyInputFrame(detach=True).SerializeToString())
        with pytest.raises(EOFError):
            typist.frame()
    else:
        with V1Client(typist.instance.socket) as other:
            assert other.request(62, pb.DetachPtySessionRequest(session_id=typist.session)).code == 0
        assert typist.rest()[1].error == "detached"
    with Typist(typist.instance, session=typist.session) as next_one:
        next_one.typed = typist.typed
        next_one.until_lent()
        next_one.check_digest()


def test_a_client_that_goes_away_leaves_its_place(typist: Typist) -> None:
    typist.until_lent()
    typist.sock.close()

    def attach() -> Typist | None:
        try:
            return Typist(typist.instance, session=typist.session)
        except AssertionError:
            return None

    with eventually(attach, what="the place is free") as next_one:
        next_one.typed = typist.typed
        next_one.until_lent()
        next_one.check_digest()
    eventually(lambda: not lent(typist.instance, typist.session), what="the last connection is given back")


@pytest.mark.parametrize("size", [0, 3000, 50_000])
def test_the_exit_comes_behind_all_output(shared: Instance, size: int) -> None:
    with Typist(shared, bulk=size) as typist:
        typist.until_lent()
        typist.type(BULK + END)
        output, last = typist.rest()
        assert output == bulk_of(size) + b"the end" and last.exit_code == 7


def test_a_terminated_session_says_so(typist: Typist) -> None:
    typist.until_lent()
    with V1Client(typist.instance.socket) as other:
        assert other.request(64, pb.TerminatePtySessionRequest(session_id=typist.session)).code == 0
    assert typist.rest()[1].exit_code == -signal.SIGTERM


def test_input_that_is_shown_to_somebody_comes_through_the_daemon(typist: Typist, tmp_path: Path) -> None:
    path = str(tmp_path / "input")
    typist.until_lent()
    with V1Client(typist.instance.socket) as other:
        handle = other.call("tees.add", target=typist.session, stream="stdin", path=path)["handle"]
        assert not typist.is_lent()
        for number in range(100):
            typist.key(b"%d," % number)
        assert not typist.is_lent()
        eventually(lambda: os.path.getsize(path) == sum(len(b"%d," % n) for n in range(100)))
        other.call("tees.remove", target=typist.session, handle=handle)
    typist.until_lent()
    typist.check_digest()


def test_what_others_type_arrives_whole(typist: Typist) -> None:
    typist.until_lent()
    text = b"sent by somebody else " * 100
    with typist.instance.client() as client:
        client.session(typist.session).send(text)
    typist.typed.update(text)
    assert typist.exactly(len(text)) == text
    typist.until_lent()
    typist.check_digest()


# ---- daemon and keeper ----


def test_the_connection_ends_with_the_daemon_and_the_session_goes_on(instance: Instance) -> None:
    with Typist(instance) as typist:
        typist.until_lent()
        instance.kill_daemon()
        with pytest.raises((EOFError, ConnectionResetError)):
            while True:
                typist.frame()
        with Typist(instance, session=typist.session) as next_one:
            next_one.typed = typist.typed
            next_one.until_lent()
            next_one.check_digest()


def test_a_daemon_that_stops_says_so(instance: Instance) -> None:
    with Typist(instance) as typist:
        typist.until_lent()
        old = instance.note_pids()
        with V1Client(instance.socket) as other:
            other.call("daemon.stop", restart=True)
        assert "daemon was stopped" in typist.rest()[1].error
        instance.wait_for_next(old)


def test_an_upgrade_of_the_keeper_is_not_noticed(instance: Instance) -> None:
    with Typist(instance) as typist:
        for _ in range(3):
            typist.until_lent()
            with V1Client(instance.socket) as other:
                other.call("daemon.upgrade_keeper")
            for number in range(100):
                typist.key(b"%d." % number)
        typist.until_lent()
        typist.check_digest()


def test_keys_while_the_keeper_is_upgraded_arrive_once(instance: Instance) -> None:
    with Typist(instance) as typist:
        typist.until_lent()
        upgraded = threading.Event()

        def upgrade() -> None:
            with V1Client(instance.socket) as other:
                other.call("daemon.upgrade_keeper")
            upgraded.set()

        thread = threading.Thread(target=upgrade)
        thread.start()
        while not upgraded.is_set():
            typist.key(b"on and on")
        thread.join()
        typist.until_lent()
        typist.check_digest()


def test_without_a_keeper_the_client_is_told_of_the_end(instance: Instance) -> None:
    with Typist(instance) as typist:
        typist.until_lent()
        keeper = instance.status()["keeper_pid"]
        instance.note_pids()
        os.kill(keeper, signal.SIGKILL)
        eventually(lambda: not alive(keeper))
        with contextlib.suppress(EOFError, ConnectionResetError):
            assert typist.rest()[1].WhichOneof("frame") == "error"
        eventually(lambda: (s := instance.status_or_none()) and s["keeper_pid"] != keeper, what="a new keeper")
        instance.note_pids()


def test_a_keeper_that_hangs_does_not_hold_the_daemon_up(instance: Instance) -> None:
    with Typist(instance) as typist:
        typist.until_lent()
        with stopped(instance.status()["keeper_pid"]), V1Client(instance.socket) as other:
            assert other.request(62, pb.DetachPtySessionRequest(session_id=typist.session)).code == 0
            assert other.call("daemon.status")["pid"]
        assert typist.rest()[1].error == "detached"


def test_a_keeper_without_descriptors_is_not_lost_over_a_keystroke(instance: Instance) -> None:
    """The daemon offers it a connection then; it cannot receive that, and everything goes on as before."""
    daemon = instance.note_pids()
    keeper = instance.status()["keeper_pid"]
    with V1Client(instance.socket) as asking, V1Client(instance.socket) as client:
        session = asking.spawn("cat").session_id
        assert not client.attach(session).code
        used = {int(name) for name in os.listdir(f"/proc/{keeper}/fd")}
        free = next(number for number in itertools.count() if number not in used)
        limits = resource.prlimit(keeper, resource.RLIMIT_NOFILE)
        resource.prlimit(keeper, resource.RLIMIT_NOFILE, (free, limits[1]))
        for key in b"abcdef":
            client.type(bytes([key]))
            client.until(bytes([key]))
        resource.prlimit(keeper, resource.RLIMIT_NOFILE, limits)
        assert not asking.request(63).code
    assert instance.note_pids() == daemon
    assert "truncated" not in instance.log()


def test_who_cannot_be_shown_input_because_the_keeper_hangs_leaves_no_file_open(
    instance: Instance, tmp_path: Path
) -> None:
    """A tee and a recording that cannot begin while the keeper has the connection are refused, and nothing is left."""
    daemon, tee, cast = instance.note_pids(), tmp_path / "tee", tmp_path / "cast"

    def record() -> None:
        answer = other.request(1000, pb.RoostCall(method="record.start", params=recording))
        refused.append(answer.message)

    with Typist(instance) as typist, V1Client(instance.socket) as one, V1Client(instance.socket) as other:
        recording = json.dumps({"target": typist.session, "path": str(cast), "input": True}).encode()
        refused: list[str] = []
        typist.until_lent()
        with stopped(instance.status()["keeper_pid"]):
            thread = threading.Thread(target=record)
            thread.start()
            wish = pb.RegisterSessionTeeRequest(session_id=typist.session, session_kind=1, stream=4, sink_kind=1)
            wish.file_path = os.fsencode(tee)
            refused.append(one.request(75, wish).message)
            thread.join()
        assert len(refused) == 2 and all("did not answer" in text for text in refused), refused
        eventually(lambda: not files_of(daemon) & {str(tee), str(cast)} and not cast.exists(), what="files are closed")
        typist.key(b"and on")


def files_of(pid: int) -> set[str]:
    """Paths of what a process has open."""
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found
