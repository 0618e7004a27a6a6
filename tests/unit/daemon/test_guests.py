"""A client whose connection is lent: what the daemon does with it before, meanwhile and afterwards."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Callable
from typing import Any

import pytest

from roost.daemon.attachment import Attachment, AttachmentTraits
from roost.daemon.guest_attachment import SKIPS_MOST, WORTH_BYTES, GuestAttachment
from roost.daemon.guests import FEATURE, Guest, Lender
from roost.daemon.stream import Stream
from roost.keeper import guests as keeper
from roost.keeper import messages as m
from roost.keeper.guest_page import PAGE_BYTES
from roost.keeper.sessions import Stream as KeptStream
from roost.plain_frames import input_frame, output_head
from roost.platform import sealed_memory_file
from roost.ring.reader import RingReader
from roost.ring.writer import RingWriter, create_ring_file
from roost.wire import frames
from roost.wire.conversation import ServerConversation
from roost.wire.frames import InputFrame


class FakeTyping:
    """What the session is told."""

    def __init__(self) -> None:
        self.told: list[str | int] = []

    def lent(self, _attachment: Attachment) -> None:
        self.told.append("lent")

    def came_back(self, _attachment: Attachment, typed_bytes: int) -> None:
        self.told.append(typed_bytes)


class FakeSession:
    def __init__(self) -> None:
        self.typing = FakeTyping()


class Place:
    """One client, the daemon's end of its session, and what a draining thread would do. It is also the lender."""

    round = 0
    takes_floods = False
    keeper_lost = False

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ring = create_ring_file("test", 1 << 16)
        self.event, self.room = os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(0, os.EFD_NONBLOCK)
        self.terminal = os.pipe2(os.O_NONBLOCK)
        self.writer = RingWriter(self.ring)
        self.kept = KeptStream("s", "stdout", self.terminal[1], self.ring, self.event, self.writer, is_pty=True)
        self.epoll = select.epoll()
        self.thread = keeper.Guests(self.epoll, {self.terminal[1]: self.kept}, lambda _: None, lambda: False)
        self.stream = Stream(
            self.loop,
            RingReader(self.ring),
            os.dup(self.event),
            os.dup(self.room),
            scans=False,
            on_output=lambda _at: None,
        )
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.setblocking(False)
        conversation = ServerConversation()
        conversation.start_stream()
        self.session = FakeSession()
        self.typed: list[InputFrame] = []
        self.allowed = self.able = True
        self.begun: list[Callable[[Guest | None], None]] = []
        self.kept_guests: list[keeper.Guest] = []
        self.pages: list[int] = []
        self.dropped: list[Callable[[], None]] = []
        self.attachment = GuestAttachment(
            self.loop,
            ours,
            conversation,
            self.stream,
            AttachmentTraits("a", "exclusive", False, False, False, "", b"t"),
            offset=0,
            on_input=lambda _a, frame: self.typed.append(frame),
            on_closed=lambda _a: None,
            session=self.session,
            lender=self,
        )
        self.attachment.start(b"")
        self.stream.on_woken = self.attachment.look

    # --- as the lender ---

    def may_lend(self, _session: Any) -> bool:
        return self.allowed

    def begin(self, _session: Any, fd: int, then: Callable[[Guest | None], None]) -> None:
        self.copy = socket.socket(fileno=os.dup(fd))
        self.begun.append(then)

    def answer(self) -> None:
        """The keeper knows the connection now."""
        page = sealed_memory_file("test", PAGE_BYTES)
        self.pages.append(page)
        kept = keeper.Guest(len(self.pages), self.kept, self.copy, page)  # type: ignore[arg-type]
        self.kept_guests.append(kept)
        self.thread.add(kept)
        self.begun.pop(0)(Guest(page, wake=lambda: None, drop=self.dropped.append))

    # --- what happens ---

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def key(self, data: bytes = b"k") -> None:
        self.client.send(input_frame(data))
        self.look()
        await self.settle()

    def look(self) -> None:
        """A turn of the keeper's thread."""
        self.thread.look()
        for fd, _ in self.epoll.poll(0):
            self.thread.serve(self.thread.by_fd[fd])

    def put(self, data: bytes) -> None:
        piece = memoryview(data)
        self.writer.append(piece)
        if self.kept.guest is not None:
            self.thread.send(self.kept.guest, piece)
        if self.writer.take_waiting():
            os.eventfd_write(self.event, 1)

    @property
    def is_lent(self) -> bool:
        return bool(self.thread.by_fd)

    async def lend(self) -> None:
        await self.settle()
        await self.key()
        self.answer()
        await self.key()
        self.look()
        assert self.is_lent

    def sent(self) -> bytes:
        try:
            return self.client.recv(1 << 20)
        except BlockingIOError:
            return b"nothing"

    def close(self) -> None:
        self.attachment.close()
        for then in self.dropped:
            then()
        self.thread.close()
        for guest in self.kept_guests:
            guest.close()
        self.stream.close()
        self.client.close()
        self.epoll.close()
        self.writer.release()
        for fd in (self.ring, self.event, self.room, *self.terminal, *self.pages):
            os.close(fd)


@pytest.fixture
async def place() -> Any:
    one = Place()
    yield one
    one.close()


def frame(data: bytes) -> bytes:
    return output_head(len(data)) + data


async def test_a_connection_is_lent_behind_a_keystroke_and_comes_back_as_it_was_left(place: Place) -> None:
    await place.lend()
    assert len(place.typed) == 2 and place.session.typing.told == ["lent"]
    await place.key(b"direct")
    assert os.read(place.terminal[0], 100) == b"direct" and len(place.typed) == 2
    place.put(b"echo")
    assert place.sent() == frame(b"echo") and place.attachment.position == 4
    place.client.send(frames.encode_resize(30, 90))
    place.look()
    await place.settle()
    assert place.typed[2].kind == "resize" and place.session.typing.told == ["lent", 6]
    place.put(b"more")
    await place.settle()
    assert place.sent() == frame(b"more")


@pytest.mark.parametrize("why", ["refused", "unsent output", "half a frame", "held back", "last word"])
async def test_a_connection_with_which_something_is_to_be_done_is_not_lent(place: Place, why: str) -> None:
    await place.settle()
    await place.key()
    place.answer()
    if why == "refused":
        place.allowed = False
    elif why == "unsent output":
        place.writer.append(memoryview(b"not seen yet"))
    elif why == "half a frame":
        place.client.send(input_frame(b"abc")[:5])
        await place.settle()
    elif why == "held back":
        place.attachment.hold_back()
    else:
        place.attachment.finish(b"", until=1 << 40)
    place.attachment._keystroke_done()
    place.look()
    assert not place.is_lent


async def test_the_last_word_is_said_once_the_connection_is_here_again(place: Place) -> None:
    await place.lend()
    place.attachment.finish(frames.pty_error("detached"))
    await place.settle()
    assert place.sent() == b"nothing"
    place.put(b"still the keeper's")
    place.look()
    await place.settle()
    assert place.sent() == frame(b"still the keeper's") + frames.pty_error("detached") and place.attachment.closed


async def test_the_exit_comes_behind_what_the_keeper_has_left(place: Place) -> None:
    await place.lend()
    place.put(b"short")
    place.put(b"x" * 9000)
    place.attachment.finish(frames.pty_exit(3), until=9005)
    await place.settle()
    assert place.sent() == frame(b"short") + frame(b"x" * 9000) + frames.pty_exit(3)


async def test_a_daemon_that_leaves_says_so_or_closes(place: Place) -> None:
    await place.lend()
    place.attachment.say_and_close(b"never")  # no thread looks
    assert place.attachment.closed and place.sent() == b""


async def test_a_client_sees_the_end_although_the_keeper_has_a_copy(place: Place) -> None:
    await place.lend()
    place.attachment.close()
    assert place.sent() == b"" and len(place.dropped) == 1
    assert place.session.typing.told == ["lent"]
    place.dropped.pop()()
    assert place.session.typing.told == ["lent", 0]


async def test_a_connection_that_ended_before_the_keeper_knew_it_is_dropped(place: Place) -> None:
    await place.settle()
    await place.key()
    place.attachment.close()
    assert place.sent() == b""
    place.answer()
    assert len(place.dropped) == 1


async def test_a_keeper_that_cannot_is_asked_once(place: Place) -> None:
    await place.settle()
    await place.key()
    place.copy.close()
    place.begun.pop()(None)
    for _ in range(5):
        await place.key()
    assert not place.begun and len(place.typed) == 6


async def test_another_image_of_the_keeper_is_asked_anew(place: Place) -> None:
    await place.lend()
    place.thread.close()
    await place.settle()
    place.round = 1
    while not place.begun:
        await place.key()
    assert len(place.dropped) == 1
    place.answer()
    while not place.is_lent:
        await place.key()


async def test_without_a_keeper_the_daemon_goes_on_by_what_stands_in_the_page(place: Place) -> None:
    await place.lend()
    place.put(b"seen")
    place.keeper_lost = True
    place.attachment.finish(frames.pty_error("gone"), until=4)
    await place.settle()
    assert place.sent() == frame(b"seen") + frames.pty_error("gone")


async def test_loans_that_are_not_worth_it_become_rare_and_one_that_is_makes_up_for_it(place: Place) -> None:
    await place.lend()
    waits = []
    for _ in range(9):
        place.put(b"x" * 5000)  # comes back at once
        await place.settle()
        place.client.recv(1 << 20)
        waits.append(0)
        while not place.is_lent:
            await place.key()
            place.look()
            waits[-1] += 1
    assert waits == [2, 4, 8, 16, 32, 64, SKIPS_MOST + 1, SKIPS_MOST + 1, SKIPS_MOST + 1]
    await place.key(b"k" * WORTH_BYTES)
    place.put(b"x" * 5000)
    await place.settle()
    await place.key()
    place.look()
    assert place.is_lent


class FakeLink:
    """A keeper with these features that refuses."""

    lost = False

    def __init__(self, *features: str) -> None:
        self.features = set(features)
        self.asked: list[int] = []

    def ask_then(self, type: int, _fields: Any, _fds: Any, *, then: Callable[[None], None]) -> None:
        self.asked.append(type)
        then(None)


@pytest.mark.parametrize("features", [(), ("readers", "inputs"), ("readers", FEATURE)])
def test_only_a_keeper_that_knows_guests_is_asked(features: tuple[str, ...]) -> None:
    assert Lender(FakeLink(*features), lambda _: False).is_able == (FEATURE in features)  # type: ignore[arg-type]


def test_what_the_keeper_refuses_is_no_guest() -> None:
    class Session:
        id = "s"
        streams = {"stdout": type("S", (), {"wake_keeper": None})}

    link, told = FakeLink(FEATURE), []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Lender(link, lambda _: False).begin(Session(), ours.fileno(), told.append)  # type: ignore[arg-type]
    assert link.asked == [m.ADD_GUEST] and told == [None]
    Lender(link, lambda _: False).begin(Session(), ours.fileno(), told.append)  # type: ignore[arg-type]
    assert link.asked == [m.ADD_GUEST] and told == [None, None]  # there is no connection
