"""Stream and attachment on a real ring and a socket pair: what clients see, exactly, at any pace."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Callable

import pytest

from roost.daemon.attachment import Attachment, AttachmentTraits
from roost.daemon.last_frames import exit_frame
from roost.daemon.stream import Stream
from roost.ring.reader import RingReader
from roost.ring.writer import RingWriter, create_ring_file
from roost.wire import frames
from roost.wire.conversation import ServerConversation
from roost.wire.frames import ExitInfo, InputFrame, StreamFrame, decode_stream_frame
from roost.wire.framing import FrameSplitter

CAPACITY = 1 << 16


class Bench:
    """A ring, its stream, and a hand that writes like the keeper."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.fd = create_ring_file("test", CAPACITY)
        self.writer = RingWriter(self.fd)
        self.event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.room = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.stream = Stream(
            self.loop,
            RingReader(self.fd),
            os.dup(self.event),
            os.dup(self.room),
            scans=True,
            on_output=lambda _at: None,
        )
        self.attachments: list[Attachment] = []
        self.inputs: list[InputFrame] = []

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), 4095):
            self.writer.append(memoryview(data[start : start + 4095]))
            if self.writer.take_waiting():
                os.eventfd_write(self.event, 1)

    def attach(self, *, lossless: bool = False, extended: bool = True, offset: int = 0, answer: bytes = b"") -> Viewer:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        traits = AttachmentTraits(
            id="a", mode="exclusive", lossless=lossless, extended=extended, pipe=False, label="", token=b"t"
        )
        conversation = ServerConversation()
        conversation.start_stream()
        attachment = Attachment(
            self.loop,
            ours,
            conversation,
            self.stream,
            traits,
            offset=offset,
            on_input=lambda _a, frame: self.inputs.append(frame),
            on_closed=lambda _a: None,
        )
        attachment.start(answer)
        self.attachments.append(attachment)
        return Viewer(theirs, attachment)

    def close(self) -> None:
        for attachment in self.attachments:
            attachment.close()
        self.stream.close()
        self.writer.release()
        for fd in (self.fd, self.event, self.room):
            os.close(fd)


class Viewer:
    """The client's side: counts what it is given."""

    def __init__(self, sock: socket.socket, attachment: Attachment) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.attachment = attachment
        self.frames: list[StreamFrame] = []
        self._splitter = FrameSplitter(16 << 20)
        self.data = bytearray()
        self.offset = 0
        self.gaps: list[tuple[int, int]] = []
        self.missed = 0
        self.closed = False

    def read(self, limit: int = 1 << 20) -> None:
        try:
            data = self.sock.recv(limit)
        except BlockingIOError:
            return
        if not data:
            self.closed = True
        self._splitter.feed(data)
        for payload in self._splitter:
            frame = decode_stream_frame(payload, pipe=False)
            self.frames.append(frame)
            if frame.output is not None:
                assert frame.offset in (None, self.offset), "a repeat or a hole"
                self.data += frame.output
                self.offset += len(frame.output)
            if frame.gap is not None:
                assert frame.gap[0] == self.offset
                self.gaps.append(frame.gap)
                self.offset = frame.gap[1]
            if frame.missed is not None:
                self.missed += frame.missed


@pytest.fixture
async def bench():  # type: ignore[no-untyped-def]
    one = Bench()
    viewers: list[Viewer] = []
    attach = one.attach

    def remembering(**options: object) -> Viewer:
        viewers.append(attach(**options))  # type: ignore[arg-type]
        return viewers[-1]

    one.attach = remembering  # type: ignore[method-assign]
    yield one
    one.close()
    for viewer in viewers:
        viewer.sock.close()


async def until(condition: Callable[[], bool], *viewers: Viewer) -> None:
    async with asyncio.timeout(10):
        while not condition():
            for viewer in viewers:
                viewer.read()
            await asyncio.sleep(0)


async def test_the_answer_comes_first_then_output_from_the_offset(bench: Bench) -> None:
    bench.write(b"0123456789")
    viewer = bench.attach(offset=4, answer=frames.pty_missed(77))
    viewer.offset = 4
    await until(lambda: bytes(viewer.data) == b"456789", viewer)
    assert viewer.frames[0].missed == 77


async def test_a_client_that_was_lapped_gets_one_exact_gap_and_all_that_is_left(bench: Bench) -> None:
    viewer = bench.attach()
    await until(lambda: len(bench.stream._attachments) == 1)
    data = random.Random(1).randbytes(CAPACITY * 3 + 17)
    bench.write(data)
    await until(lambda: viewer.offset == len(data), viewer)
    missed = sum(end - start for start, end in viewer.gaps)
    assert len(viewer.data) + missed == len(data) and missed == len(data) - CAPACITY
    assert bytes(viewer.data) == data[-CAPACITY:]


async def test_a_v1_client_is_told_the_same_number_by_missed_bytes(bench: Bench) -> None:
    viewer = bench.attach(extended=False)
    bench.write(bytes(CAPACITY + 12345))
    await until(lambda: len(viewer.data) + viewer.missed == CAPACITY + 12345, viewer)
    assert viewer.missed == 12345


async def test_random_paces_always_add_up(bench: Bench) -> None:
    chance = random.Random(5)
    viewers = [bench.attach() for _ in range(4)]
    written = bytearray()
    for _ in range(400):
        piece = chance.randbytes(chance.choice((1, 50, 4095, 9000)))
        written += piece
        bench.write(piece)
        for viewer in viewers[:3]:
            if chance.random() < 0.3:
                viewer.read(chance.choice((10, 1000, 200_000)))
        await asyncio.sleep(0)
    await until(lambda: all(v.offset == len(written) for v in viewers), *viewers)
    for viewer in viewers:
        expected = bytearray(written)
        for start, end in reversed(viewer.gaps):
            del expected[start:end]
        assert viewer.data == expected


async def test_a_lossless_client_stalls_the_writer_and_misses_nothing(bench: Bench) -> None:
    viewer = bench.attach(lossless=True)
    data = random.Random(2).randbytes(CAPACITY * 8)
    sent = 0
    async with asyncio.timeout(20):
        while viewer.offset < len(data):
            room = min(bench.writer.room(), 4095, len(data) - sent)
            if room:
                bench.write(data[sent : sent + room])
                sent += room
            else:
                viewer.read()
            await asyncio.sleep(0)
            if sent == len(data):
                viewer.read()
    assert bytes(viewer.data) == data and not viewer.gaps


async def test_a_hold_goes_with_its_client(bench: Bench) -> None:
    viewer = bench.attach(lossless=True)
    bench.write(bytes(1000))
    await until(lambda: viewer.offset == 1000, viewer)
    assert bench.stream.ring.hold == 1000
    viewer.attachment.close()
    assert bench.stream.ring.hold is None


async def test_a_stalled_writer_is_woken_when_the_hold_moves(bench: Bench) -> None:
    viewer = bench.attach(lossless=True)
    bench.write(bytes(CAPACITY))
    bench.writer.set_stalled(True)
    await until(lambda: viewer.offset == CAPACITY, viewer)
    assert os.eventfd_read(bench.room) >= 1


async def test_exit_comes_behind_the_output_up_to_its_offset_and_nothing_behind_it(bench: Bench) -> None:
    viewer = bench.attach()
    info = ExitInfo(-9, 9, "hard", 12.5)
    bench.write(b"a" * 200_000)
    end = bench.writer.end
    viewer.attachment.finish(exit_frame(viewer.attachment.traits, info, b"reset"), until=end)
    bench.write(b"late output of somebody who still holds the terminal")
    await until(lambda: viewer.closed, viewer)
    last = viewer.frames[-1]
    assert viewer.offset == end
    assert (last.exit_code, last.exited, last.reset) == (-9, info, b"reset")


async def test_a_steal_ends_the_victim_behind_the_frame_under_way(bench: Bench) -> None:
    viewer = bench.attach()
    bench.write(bytes(CAPACITY))
    await until(lambda: viewer.attachment.blocked or viewer.attachment.offset == CAPACITY)
    viewer.attachment.finish(frames.pty_stolen("thief"))
    await until(lambda: viewer.closed, viewer)
    assert viewer.frames[-1].stolen_by == "thief"
    assert sum(f.stolen_by is not None for f in viewer.frames) == 1


async def test_notices_stand_between_whole_output_frames(bench: Bench) -> None:
    viewer = bench.attach()
    for size in range(10, 40):
        bench.write(bytes(5000))
        viewer.attachment.notify(frames.resized(size, 80))
        await asyncio.sleep(0)
    await until(lambda: viewer.offset == 150_000, viewer)
    await until(lambda: sum(f.resized is not None for f in viewer.frames) == 30, viewer)
    assert [f.resized for f in viewer.frames if f.resized] == [(n, 80) for n in range(10, 40)]


async def test_input_frames_arrive_in_order_and_an_oversize_one_ends_the_stream(bench: Bench) -> None:
    viewer = bench.attach()
    viewer.sock.setblocking(True)
    viewer.sock.sendall(frames.encode_input(b"ab") + b"\0\0\0\2\xff\xff" + frames.encode_resize(3, 4))
    viewer.sock.setblocking(False)
    await until(lambda: len(bench.inputs) == 2, viewer)
    assert [(f.kind, f.data, f.rows, f.cols) for f in bench.inputs] == [("input", b"ab", 0, 0), ("resize", b"", 3, 4)]
    viewer.sock.send(b"\x7f\xff\xff\xff")
    await until(lambda: viewer.closed, viewer)
    assert viewer.frames == []


async def test_the_scanner_state_is_stored_for_the_next_daemon(bench: Bench) -> None:
    bench.write(b"\x1b[?1049h\x1b]2;title\x07")
    await until(lambda: bench.stream.ring.scanned == bench.writer.end)
    from roost.core.scanner import Scanner

    assert Scanner.from_state(bench.stream.ring.scanner_state()).title == "title"


async def test_an_idle_stream_asks_to_be_woken_and_does_nothing(bench: Bench) -> None:
    viewer = bench.attach()
    bench.write(b"x")
    await until(lambda: viewer.offset == 1, viewer)
    await until(lambda: not bench.stream._soon and bench.stream._timer is None)
    assert bench.writer._words[17] == 1, "the reader sleeps"


async def test_an_exit_is_told_even_when_later_output_has_overwritten_its_place(bench: Bench) -> None:
    behind, at_exit = bench.attach(), bench.attach()
    await until(lambda: len(bench.stream._attachments) == 2)
    bench.write(b"a" * 100)
    await until(lambda: at_exit.offset == 100, behind, at_exit)
    bench.write(b"b" * 50)
    await until(lambda: at_exit.offset == 150, at_exit)
    for viewer in (behind, at_exit):
        viewer.attachment.finish(
            exit_frame(viewer.attachment.traits, ExitInfo(0, None, "natural", 1.0), b""), until=150
        )
    bench.write(bytes(CAPACITY * 2))
    await until(lambda: behind.closed and at_exit.closed, behind, at_exit)
    assert (behind.offset, at_exit.offset) == (150, 150)
    assert behind.frames[-1].exit_code == at_exit.frames[-1].exit_code == 0


async def test_an_exit_whose_output_was_overwritten_is_a_gap_and_then_the_exit(bench: Bench) -> None:
    viewer = bench.attach()
    await until(lambda: len(bench.stream._attachments) == 1)
    bench.write(b"a" * 100)
    viewer.attachment.finish(exit_frame(viewer.attachment.traits, ExitInfo(3, None, "natural", 1.0), b""), until=100)
    bench.write(bytes(CAPACITY * 2))
    await until(lambda: viewer.closed, viewer)
    assert viewer.gaps == [(0, 100)] and viewer.frames[-1].exit_code == 3


async def test_an_echo_that_is_looked_for_wakes_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes while the stream looks is handed out at once, and the keeper need not tell of it."""
    viewer = bench.attach()
    await until(lambda: bench.stream.ring.end == 0 and not bench.stream._soon, viewer)
    monkeypatch.setattr("roost.daemon.stream.os.sched_yield", lambda: bench.write(b"echo"))
    bench.stream.expect_echo()
    viewer.read()
    assert viewer.data == b"echo"
    with pytest.raises(BlockingIOError):
        os.eventfd_read(bench.event)


async def test_after_a_look_in_vain_the_keeper_tells_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of what came between the last look and the end of looking."""
    viewer = bench.attach()
    await until(lambda: not bench.stream._soon, viewer)
    bench.stream.expect_echo()
    bench.write(b"late")
    await until(lambda: viewer.data == b"late", viewer)
    moments = iter((0.0, 1.0))

    def clock() -> float:
        moment = next(moments)
        if moment:
            bench.write(b" and later")
        return moment

    monkeypatch.setattr("roost.daemon.stream.time.perf_counter", clock)
    bench.stream._echo_skips = 0
    bench.stream.expect_echo()
    viewer.read()
    assert viewer.data == b"late and later"


async def test_a_keystroke_is_read_the_same_however_it_comes(bench: Bench) -> None:
    """Whole, behind another frame, or in two pieces: each once and in order."""
    viewer = bench.attach()
    await asyncio.sleep(0)
    key = frames.encode_input(b"k")
    for piece in (key, frames.encode_input(b"a") + key[:3], key[3:], key, frames.encode_resize(5, 6) + key):
        viewer.sock.send(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    assert [(frame.kind, frame.data) for frame in bench.inputs] == [
        ("input", b"k"),
        ("input", b"a"),
        ("input", b"k"),
        ("input", b"k"),
        ("resize", b""),
        ("input", b"k"),
    ]
