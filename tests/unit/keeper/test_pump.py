"""The pump on real terminals and pipes: a thread with one does what one without does; nothing is lost between them."""

from __future__ import annotations

import os
import random
import select
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.instance import eventually
from support.raw_terminal import RawTerminal

from roost.daemon.guests import Guest as Lent
from roost.keeper import pump
from roost.keeper.drain import FORGOTTEN, Drain
from roost.keeper.guest_page import PAGE_BYTES as GUEST_PAGE_BYTES
from roost.keeper.guests import Guest
from roost.keeper.inputs import Input, Mouth
from roost.keeper.launch import keeper_environment
from roost.keeper.readers import Reader
from roost.keeper.sessions import Stream
from roost.keeper.turns import CLOSED, MARKED
from roost.plain_frames import input_frame
from roost.platform import sealed_memory_file
from roost.ring.layout import GUARD_BYTES
from roost.ring.local import LocalReader
from roost.ring.reader import RingReader
from roost.ring.reader_page import PAGE_BYTES
from roost.ring.writer import RingWriter, create_ring_file

_CAPACITY = 1 << 17


class Thread:
    """A draining thread, with a pump or without, and what it reported."""

    def __init__(self, library: pump.Library | None) -> None:
        self.wake = os.eventfd(0, os.EFD_NONBLOCK)
        self.log: list[str] = []
        self.reports: list[tuple[str, Any]] = []
        self.drain = Drain(self.wake, self._report, self.log.append, library)
        self.closing: list[Callable[[], object]] = []
        self.drain.start()

    def _report(self, what: str, subject: Any) -> None:
        self.reports.append((what, subject))
        if callable(subject):
            subject()

    def told(self, what: str, stream: Stream) -> bool:
        return (what, stream) in self.reports

    def terminal(self) -> RawTerminal:
        one = RawTerminal("s", capacity=_CAPACITY)
        os.set_blocking(one.slave, True)
        self.closing.append(one.close)
        self.drain.add_fresh(one.stream)
        return one

    def pipe(self) -> tuple[Stream, int]:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        ring, event = create_ring_file("test", _CAPACITY), os.eventfd(0, os.EFD_NONBLOCK)
        stream = Stream("p", "stdout", read_end, ring, event, RingWriter(ring), is_pty=False)
        self.closing += [stream.writer.release, *(lambda fd=fd: os.close(fd) for fd in (read_end, ring, event))]
        self.drain.add_fresh(stream)
        return stream, write_end

    def close(self) -> None:
        self.drain.stop()
        for close in self.closing:
            close()
        os.close(self.wake)


@pytest.fixture(params=["pump", "python"])
def thread(request: pytest.FixtureRequest) -> Iterator[Thread]:
    library = pump.load() if request.param == "pump" else None
    if request.param == "pump" and library is None:
        pytest.skip("there is no pump, as there was no C compiler")
    one = Thread(library)
    yield one
    one.close()
    assert one.log == []


def tail(stream: Stream) -> tuple[int, bytes]:
    """The offset behind the last byte, and what is retained before it."""
    reader = RingReader(stream.ring_fd)
    try:
        end, start = reader.end, reader.start
        seen = b""
        while start + len(seen) < end:
            seen += reader.read(start + len(seen), min(GUARD_BYTES, end - start - len(seen))) or b""
        return end, seen
    finally:
        reader.release()


def chunks(seed: int, total: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    while total > 0:
        length = min(total, chance.choice([1, 10, 500, 4094, 4095, 4096, 20_000]))
        yield chance.randbytes(length)
        total -= length


def test_where_there_is_a_compiler_there_is_a_pump_of_these_sources() -> None:
    if any(map(shutil.which, ("cc", "gcc", "clang"))):
        library = pump.load()
        assert library is not None and library.calls.pump_stamp() == pump.stamp(pump.SOURCES)


def test_without_being_wanted_or_of_other_sources_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("ROOST_NATIVE", "0")
        assert pump.load() is None
    with monkeypatch.context() as patched:
        patched.setattr(pump, "stamp", lambda _: 1)
        assert pump.load() is None
    monkeypatch.setattr(pump, "LIBRARY", __file__)
    assert pump.load() is None


@pytest.mark.parametrize("count", [1, 3, 9])
def test_what_terminals_write_is_in_their_rings_byte_for_byte(thread: Thread, count: int) -> None:
    terminals = [thread.terminal() for _ in range(count)]
    size = 3 * _CAPACITY

    def write(seed: int, slave: int) -> None:
        for chunk in chunks(seed, size):
            left = memoryview(chunk)
            while left:
                left = left[os.write(slave, left) :]

    writers = [threading.Thread(target=write, args=(seed, one.slave)) for seed, one in enumerate(terminals)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for seed, one in enumerate(terminals):
        wanted = b"".join(chunks(seed, size))
        eventually(lambda one=one: one.stream.writer.end == size)  # type: ignore[misc]
        assert tail(one.stream) == (size, wanted[-_CAPACITY:])


def test_a_pipe_is_drained_to_its_end_which_is_told(thread: Thread) -> None:
    stream, write_end = thread.pipe()
    wanted = b"".join(chunks(1, 400_000))
    left = memoryview(wanted)
    while left:
        left = left[os.write(write_end, left) :]
    os.close(write_end)
    eventually(lambda: thread.told(CLOSED, stream))
    assert tail(stream) == (len(wanted), wanted[-_CAPACITY:])


@pytest.mark.parametrize("seed", range(4))
def test_a_hold_is_never_passed_and_nothing_is_lost_behind_it(thread: Thread, seed: int) -> None:
    chance = random.Random(seed)
    stream, write_end = thread.pipe()
    reader = RingReader(stream.ring_fd)
    reader.set_hold(0)
    wanted = b"".join(chunks(seed, 5 * _CAPACITY))
    seen = bytearray()

    def write() -> None:
        left = memoryview(wanted)
        while left:
            left = left[os.write(write_end, left) :]

    writer = threading.Thread(target=write)
    writer.start()
    while len(seen) < len(wanted):
        data = reader.read(len(seen), chance.choice([1, 1000, GUARD_BYTES]))
        assert data is not None, "what is held was overwritten"
        seen += data
        if chance.random() < 0.5 or not data:
            reader.set_hold(len(seen))
            os.eventfd_write(thread.wake, 1)
    writer.join()
    os.close(write_end)
    assert seen == wanted
    reader.release()


def test_the_exit_is_marked_behind_the_last_byte_and_what_comes_later_is_kept(thread: Thread) -> None:
    one = thread.terminal()
    os.write(one.slave, b"before")
    thread.drain.finish(one.stream)
    eventually(lambda: thread.told(MARKED, one.stream))
    assert one.stream.writer.exit_offset == 6
    os.write(one.slave, b" and after")
    eventually(lambda: tail(one.stream) == (16, b"before and after"))


def test_a_stream_that_is_given_up_is_read_no_more(thread: Thread) -> None:
    one, other = thread.terminal(), thread.terminal()
    os.write(one.slave, b"a")
    eventually(lambda: one.stream.writer.end == 1)
    thread.drain.forget(one.stream)
    eventually(lambda: thread.told(FORGOTTEN, one.stream))
    os.write(one.slave, b"b")
    os.write(other.slave, b"c")
    eventually(lambda: other.stream.writer.end == 1)
    assert one.stream.writer.end == 1


def test_bytes_that_the_ring_has_no_memory_for_are_kept_and_stored_later(thread: Thread) -> None:
    """A ring that cannot be written stands for one without memory."""
    one = thread.terminal()
    os.write(one.slave, b"first,")
    eventually(lambda: one.stream.writer.end == 6)
    writable = os.dup(one.stream.ring_fd)
    read_only = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY)
    os.dup2(read_only, one.stream.ring_fd)
    os.write(one.slave, b"second,")
    eventually(lambda: one.stream.pending == b"second,")
    os.write(one.slave, b"third")
    os.dup2(writable, one.stream.ring_fd)
    eventually(lambda: tail(one.stream) == (18, b"first,second,third"))
    os.close(writable), os.close(read_only)


def reader_of(thread: Thread, stream: Stream) -> tuple[Reader, LocalReader]:
    """What is kept of a local reader, and what is lent to it."""
    page = sealed_memory_file("page", PAGE_BYTES)
    read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    lent = LocalReader(os.dup(stream.ring_fd), os.dup(page), read_end)
    kept = Reader(1, page, write_end)
    thread.closing += [lent.close, kept.close]
    return kept, lent


def test_a_local_reader_that_sleeps_is_woken_also_for_what_came_before_it_was_known(thread: Thread) -> None:
    one = thread.terminal()
    os.write(one.slave, b"1")
    eventually(lambda: one.stream.writer.end == 1)
    kept, lent = reader_of(thread, one.stream)
    one.stream.readers = (kept,)
    assert lent.arm(1)
    os.write(one.slave, b"2")  # perhaps stored before the thread hears of the reader
    thread.drain.know_readers(one.stream)
    for number in range(3, 50):
        assert select.select([lent.wake_fd], [], [], 10)[0]
        lent.calm()
        eventually(lambda number=number: lent.end == number - 1)  # type: ignore[misc]
        if lent.arm(number - 1):
            os.write(one.slave, b"x")
    eventually(lambda: one.stream.writer.end == 49)
    one.stream.readers = ()
    thread.drain.know_readers(one.stream)
    assert lent.arm(49)
    settled: list[bool] = []
    thread.drain.when_settled(lambda: settled.append(True))
    eventually(lambda: settled)
    os.write(one.slave, b"unseen")
    eventually(lambda: one.stream.writer.end == 55)
    assert not select.select([lent.wake_fd], [], [], 0)[0]


class Typing:
    """A terminal that is typed into through a socket."""

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self.one = thread.terminal()
        os.set_blocking(self.one.slave, False)
        self.mouth = self.one.stream.mouth = Mouth(self.one.stream)
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.page = memoryview(bytearray(PAGE_BYTES)).cast("Q")
        self.source = Input(ours.detach(), self.page)
        thread.closing += [self.mouth.close, self.source.close, self.theirs.close]
        os.write(self.one.slave, b"!")
        eventually(lambda: self.one.stream.writer.end == 1)  # the thread knows the stream
        thread.drain.type_from(self.mouth, self.source)

    def read(self, count: int) -> bytes:
        seen = b""
        while len(seen) < count and select.select([self.one.slave], [], [], 10)[0]:
            seen += os.read(self.one.slave, 65536)
        return seen


def test_what_is_typed_reaches_the_terminal_in_order_and_is_counted(thread: Thread) -> None:
    typing = Typing(thread)
    for number in range(100):
        typing.theirs.send(b"%03d" % number)
        assert typing.read(3) == b"%03d" % number
    eventually(lambda: typing.source.taken == 300)


def test_more_than_the_terminal_takes_waits_in_the_socket_and_comes_whole(thread: Thread) -> None:
    typing = Typing(thread)
    wanted = b"".join(chunks(7, 600_000))
    sender = threading.Thread(target=typing.theirs.sendall, args=(wanted,))
    sender.start()
    eventually(lambda: typing.mouth.blocked is typing.source)
    assert typing.read(len(wanted)) == wanted
    sender.join()
    eventually(lambda: typing.source.taken == len(wanted))
    typing.theirs.send(b"after")
    assert typing.read(5) == b"after"


def test_an_input_that_ends_is_closed_behind_its_last_byte(thread: Thread) -> None:
    typing = Typing(thread)
    typing.theirs.send(b"last")
    typing.theirs.shutdown(socket.SHUT_WR)
    assert typing.read(4) == b"last"
    eventually(lambda: not typing.source.is_open)
    assert typing.source.taken == 4


def test_the_daemon_is_woken_for_input_if_it_asked_for_that(thread: Thread) -> None:
    typing = Typing(thread)
    reader = RingReader(typing.one.stream.ring_fd)
    reader.watch_input()
    for _ in range(2):
        typing.theirs.send(b"k")
        assert typing.read(1) == b"k"
    eventually(lambda: reader.input_from == 1)
    assert os.eventfd_read(typing.one.stream.event_fd) >= 1
    reader.release()


class Between:
    """Stands among the guests, and does something each time the thread looks at them."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.loan = 0

    @property
    def words(self) -> list[int]:
        if self.steps:
            self.steps.pop(0)()
        return [0]


class Visit:
    """A terminal with a guest, and the daemon's and the client's ends of its connection."""

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self.one = thread.terminal()
        os.set_blocking(self.one.slave, False)
        ours, self.client = socket.socketpair()
        self.daemon = ours.dup()
        for sock in (ours, self.daemon, self.client):
            sock.setblocking(False)
        page = sealed_memory_file("page", GUEST_PAGE_BYTES)
        self.guest = Guest(1, self.one.stream, ours, page)
        self.lent = Lent(page, wake=thread.drain.wake, drop=lambda then: then())
        os.close(page)
        thread.closing += [self.lent.release, self.guest.close, self.daemon.close, self.client.close]

    def know(self) -> None:
        self.thread.drain.add_guest(self.guest)

    def lend(self) -> None:
        self.lent.lend(self.one.stream.writer.end)
        eventually(lambda: self.one.stream.guest is self.guest)

    def typed(self, count: int) -> bytes:
        seen = b""
        while len(seen) < count and select.select([self.one.slave], [], [], 10)[0]:
            seen += os.read(self.one.slave, 65536)
        return seen


@pytest.mark.parametrize("thread", ["pump"], indirect=True)  # which serves all that happened before it tells
def test_a_key_that_came_between_two_loans_is_typed_and_counted_once(thread: Thread) -> None:
    """All at once: output that the client does not take, so that it is given back; a new loan; and a key."""
    is_there, go_on = threading.Event(), threading.Event()

    def hold_up() -> None:
        is_there.set()
        go_on.wait(20)

    def lend_again() -> None:
        if visit.lent.look() is None:
            between.steps = [lend_again]
            return
        while select.select([visit.client], [], [], 0)[0]:
            visit.client.recv(1 << 20)
        visit.lent.lend(visit.one.stream.writer.end)

    between = Between()
    thread.drain.add_guest(between)  # type: ignore[arg-type]
    visit = Visit(thread)
    visit.know()
    visit.lend()
    with pytest.raises(BlockingIOError):
        while True:
            visit.daemon.send(b"x" * 1000)
    between.steps = [hold_up, lend_again]
    thread.drain.wake()
    assert is_there.wait(20)
    os.write(visit.one.slave, b"echo")
    assert select.select([visit.one.master], [], [], 20)[0]
    thread.drain.wake()
    visit.client.send(input_frame(b"a"))
    go_on.set()
    assert visit.typed(1) == b"a"
    visit.client.send(input_frame(b"b"))
    assert visit.typed(1) == b"b"
    eventually(lambda: visit.lent.taken_in_loan == 2)


def test_the_keeper_is_told_whether_it_may_have_a_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROOST_NATIVE", raising=False)
    assert "ROOST_NATIVE" not in keeper_environment()
    monkeypatch.setenv("ROOST_NATIVE", "0")
    assert keeper_environment()["ROOST_NATIVE"] == "0"


def far_behind(thread: Thread) -> Visit:
    """A guest of a terminal that has written more than is sent to it at once; lent, which is not seen yet."""
    visit = Visit(thread)
    for _ in range(GUARD_BYTES // 4000 + 1):
        end = visit.one.stream.writer.end + os.write(visit.one.slave, b"x" * 4000)
        eventually(lambda end=end: visit.one.stream.writer.end == end)  # type: ignore[misc]
    visit.lent.lend(0)
    return visit


def is_back_unserved(visit: Visit) -> None:
    returned = visit.lent.look()
    assert returned is not None and not (returned.offset or returned.read or returned.rest)


def test_what_follows_at_once_on_a_loan_that_comes_back_at_once_is_done(thread: Thread) -> None:
    visit = far_behind(thread)
    go_on = threading.Event()
    thread.drain.when_settled(lambda: go_on.wait(20))
    visit.know()
    thread.drain.finish(visit.one.stream)
    go_on.set()
    eventually(lambda: thread.told(MARKED, visit.one.stream))
    is_back_unserved(visit)


def test_a_thread_may_end_behind_a_loan_that_comes_back_at_once(thread: Thread) -> None:
    visit = far_behind(thread)
    thread.drain.when_settled(lambda: eventually(lambda: thread.drain._stopping))
    visit.know()
    thread.closing.insert(0, lambda: is_back_unserved(visit))  # done when the thread has ended
