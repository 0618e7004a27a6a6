"""A draining thread through every kind of step in any order: nothing is lost, repeated or passed, in either form."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
from typing import Any

import pytest
from support.instance import eventually
from support.raw_terminal import RawTerminal

from roost.daemon.guests import Guest as Lent
from roost.daemon.guests import Returned
from roost.keeper import pump
from roost.keeper.drain import FORGOTTEN, Drain
from roost.keeper.guest_page import G_TAKEN
from roost.keeper.guest_page import PAGE_BYTES as GUEST_PAGE_BYTES
from roost.keeper.guests import Guest
from roost.keeper.inputs import Input, Mouth
from roost.keeper.readers import Reader
from roost.keeper.turns import MARKED
from roost.plain_frames import input_frame, output_head
from roost.platform import sealed_memory_file
from roost.ring.local import LocalReader
from roost.ring.reader import RingReader
from roost.ring.reader_page import PAGE_BYTES, R_TAKEN

_CAPACITY = 1 << 17
_MOST = 7
STEPS = 250


class Place:
    """A draining thread and its terminals; this side is the control thread."""

    def __init__(self, library: pump.Library | None) -> None:
        self.library = library
        self.wake_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self.reports: list[tuple[str, Any]] = []
        self.log: list[str] = []
        self.terminals: list[Terminal] = []
        self.start()

    def start(self) -> None:
        self.drain = Drain(self.wake_fd, self._report, self.log.append, self.library)
        self.drain.start()

    def _report(self, what: str, subject: Any) -> None:
        self.reports.append((what, subject))
        if callable(subject):
            subject()

    def settle(self) -> None:
        """Wait until the thread has done all that it was asked; so it answers, besides."""
        done = threading.Event()
        self.drain.when_settled(done.set)
        assert done.wait(20), "the thread does not answer"


class Terminal:
    """One of them, with what was written, typed and sent, and who is there for it."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        self.place = place
        self.chance = chance
        self.raw = RawTerminal("s", capacity=_CAPACITY)
        self.stream = self.raw.stream
        self.written = bytearray()
        self.taken_before = 0
        self.received = 0
        self.ring = RingReader(self.raw.ring)
        self.held: list[tuple[int, bytes]] = []  # what was read under a hold, and where
        self.hold: int | None = None
        self.readers: list[tuple[Reader, LocalReader]] = []
        self.asleep: dict[int, int] = {}
        self.input: tuple[Input, socket.socket] | None = None
        self.guest: Visit | None = None
        self.is_finished = False
        place.drain.add_fresh(self.stream)

    # --- steps -------------------------------------------------------------------------------------------------------

    def write(self, most: int) -> None:
        """The child writes, as much as its terminal takes."""
        data = self.chance.randbytes(self.chance.randint(1, most))
        try:
            self.written += data[: os.write(self.raw.slave, data)]
        except BlockingIOError:
            pass

    def take_hold(self) -> None:
        """A lossless reader comes, moves on, or goes."""
        if self.hold is None:
            self.ring.set_hold(self.ring.end)
            hold = self.ring.hold
            self.place.settle()  # what was under way is over
            self.hold = hold if hold is not None and self.ring.start <= hold else None
            if self.hold is None:
                self.ring.set_hold(None)
        elif self.chance.randrange(4):
            data = self.ring.read(self.hold, self.chance.choice([1, 5000, 65536]))
            assert data is not None, "what is held was overwritten"
            self.held.append((self.hold, data))
            self.hold += len(data)
            self._move_hold(self.hold)
        else:
            self.hold = None
            self._move_hold(None)

    def _move_hold(self, to: int | None) -> None:
        if self.ring.set_hold(to):
            self.place.drain.wake()

    def come_or_go(self) -> None:
        """A local reader comes, falls asleep, or goes."""
        step = self.chance.randrange(4)
        if step == 0 and len(self.readers) < 3:
            page = sealed_memory_file("page", PAGE_BYTES)
            read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            kept = Reader(len(self.readers), page, write_end)
            lent = LocalReader(os.dup(self.raw.ring), os.dup(page), read_end)
            self.readers.append((kept, lent))
            self._know_readers()
        elif step == 1 and self.readers:
            kept, lent = self.readers.pop(self.chance.randrange(len(self.readers)))
            self.asleep.pop(lent.wake_fd, None)
            self._know_readers()
            lent.close()
            self.place.drain.when_settled(kept.close)
        else:
            for _, lent in self.readers:
                end = lent.end
                self.asleep.pop(lent.wake_fd, None)
                if lent.arm(end):
                    self.asleep[lent.wake_fd] = end

    def _know_readers(self) -> None:
        self.stream.readers = tuple(kept for kept, _ in self.readers)
        self.place.drain.know_readers(self.stream)

    def type(self) -> None:
        """Somebody comes to type, types, or goes, with what he typed before or without."""
        if self.input is None:
            if self.stream.mouth is None:
                self.stream.mouth = Mouth(self.stream)
            ours, theirs = socket.socketpair()
            ours.setblocking(False), theirs.setblocking(False)
            page = memoryview(bytearray(PAGE_BYTES)).cast("Q")
            self.input = Input(ours.detach(), page), theirs
            self.place.drain.type_from(self.stream.mouth, self.input[0])
        elif self.chance.randrange(6):
            try:
                self.input[1].send(b"i" * self.chance.choice([1, 1, 3, 40, 5000, 60_000]))
            except BlockingIOError:
                pass
        else:
            self.stop_typing()

    def stop_typing(self) -> None:
        if self.input is not None and self.stream.mouth is not None:
            (source, theirs), self.input = self.input, None
            if self.chance.random() < 0.3:
                theirs.shutdown(socket.SHUT_WR)
            self.place.drain.stop_typing(self.stream.mouth, source, finishing=self.chance.random() < 0.5)
            self.place.settle()
            assert source.words[R_TAKEN] == source.taken
            self.taken_before += source.taken
            source.close(), theirs.close()

    def read_typed(self) -> None:
        """The child reads."""
        try:
            self.received += len(os.read(self.raw.slave, self.chance.choice([100, 65536])))
        except BlockingIOError:
            pass

    def want_memory(self) -> None:
        """For a moment the ring cannot be written."""
        writable = os.dup(self.raw.ring)
        read_only = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY)
        os.dup2(read_only, self.raw.ring)
        os.close(read_only)
        self.write(20_000)
        if self.chance.random() < 0.5:
            self.place.settle()
        os.dup2(writable, self.raw.ring)
        os.close(writable)

    def visit(self) -> None:
        """A guest comes, or something happens to it."""
        if self.guest is None:
            self.guest = Visit(self)
        elif self.chance.randrange(12):
            self.guest.step(self.chance)
        else:
            self.end_visit()

    def end_visit(self) -> None:
        if self.guest is not None:
            guest, self.guest = self.guest, None
            self.stream.guests = ()
            self.place.drain.remove_guest(guest.kept)
            self.place.settle()
            guest.check()

    def finish(self) -> None:
        """The child exits; who else has the terminal writes on."""
        if not self.is_finished:
            self.is_finished = True
            self.place.drain.finish(self.stream)

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Check all that holds of it, and give it up."""
        place, end = self.place, len(self.written)
        self.hold = None
        self._move_hold(None)
        self.end_visit()
        eventually(lambda: self.ring.end >= end, what=f"{end} bytes are in the ring")
        assert self.ring.end == end and not self.stream.pending
        start, seen = self.ring.start, b""
        while start + len(seen) < end:
            seen += self.ring.read(start + len(seen)) or b""
        assert seen == self.written[-_CAPACITY:]
        assert all(self.written[at : at + len(data)] == data for at, data in self.held)
        if self.is_finished:
            eventually(lambda: (MARKED, self.stream) in place.reports)
        for wake_fd, asleep_at in self.asleep.items():
            if asleep_at < min(end, self.ring.exit_offset or end):
                assert select.select([wake_fd], [], [], 20)[0], "a reader sleeps on"
        self.stop_typing()
        while select.select([self.raw.slave], [], [], 0)[0]:
            self.received += len(os.read(self.raw.slave, 65536))
        assert self.received == self.taken_before
        place.drain.forget(self.stream)
        eventually(lambda: (FORGOTTEN, self.stream) in place.reports)
        if self.stream.mouth is not None:
            self.stream.mouth.close()
        for kept, lent in self.readers:
            kept.close(), lent.close()
        self.ring.release()
        self.raw.close()


class Visit:
    """A guest, its client, and its daemon, which sends what comes and types what it gets."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        ours, self.client = socket.socketpair()
        self.daemon = ours.dup()
        for sock in (ours, self.daemon, self.client):
            sock.setblocking(False)
        page = sealed_memory_file("page", GUEST_PAGE_BYTES)
        self.kept = Guest(1, terminal.stream, ours, page)
        self.lent = Lent(page, wake=terminal.place.drain.wake, drop=lambda then: then())
        os.close(page)
        self.start = self.offset = terminal.ring.end
        self.rest = self.unread = b""
        self.shown, self.keys = bytearray(), 0
        terminal.stream.guests = (self.kept,)
        terminal.place.drain.add_guest(self.kept)

    def step(self, chance: random.Random) -> None:
        step = chance.choice(["lend", "lend", "lend", "recall", "key", "key", "key", "read", "read", "look", "write"])
        if step == "key":
            key = b"g" * chance.choice([1, 1, 1, 9, 200])
            try:
                sent = self.client.send(input_frame(key))
                assert sent == len(input_frame(key))
                self.keys += len(key)
            except BlockingIOError:
                pass
        elif step == "read":
            self.read()
        elif step == "write":
            self.terminal.write(50)
        elif step == "recall":
            self.lent.recall()
        elif self.look() and step == "lend" and not self.rest and not self.unread:
            behind = self.terminal.ring.end - self.offset
            if behind < 70_000 and self.offset >= self.terminal.ring.start:
                self.lent.lend(self.offset)

    def look(self) -> bool:
        """Whether the daemon has the connection; it catches up then."""
        returned: Returned | None = self.lent.look()
        if returned is not None:
            self.offset, self.rest = returned.offset, returned.rest
            self.unread += returned.read
        for _ in range(4 * (not self.lent.is_lent)):
            self.read()
            self._serve()
        return not self.lent.is_lent

    def _serve(self) -> None:
        if self.rest:
            try:
                self.rest = self.rest[self.daemon.send(self.rest) :]
            except BlockingIOError:
                pass
        elif self.offset < self.terminal.ring.end:
            data = self.terminal.ring.read(self.offset, 9000)
            if data is None:  # a gap: a client like this one starts anew
                self.read()
                self.check_shown()
                self.start = self.offset = self.terminal.ring.end
                self.shown.clear()
            elif data:
                self.rest, self.offset = output_head(len(data)) + data, self.offset + len(data)
        try:
            self.unread += self.daemon.recv(65536)
        except BlockingIOError:
            pass
        self._type()

    def _type(self) -> None:
        while len(self.unread) > 4 and len(self.unread) >= 4 + int.from_bytes(self.unread[:4], "big"):
            length = 4 + int.from_bytes(self.unread[:4], "big")
            self.keys -= length - 6 - (self.unread[5] >= 128)
            self.unread = self.unread[length:]

    def read(self) -> None:
        try:
            while data := self.client.recv(1 << 20):
                self.shown += data
        except BlockingIOError:
            pass

    def check_shown(self) -> None:
        """What the client was sent are whole frames of what was written, from where it began."""
        at, seen, shown = 0, bytearray(), self.shown + self.rest
        while at < len(shown):
            length = int.from_bytes(shown[at : at + 4], "big")
            head = next(n for n in (6, 7, 8) if output_head(length + 4 - n) == shown[at : at + n])
            seen += shown[at + head : at + 4 + length]
            at += 4 + length
        assert self.terminal.written[self.start : self.offset] == seen

    def check(self) -> None:
        """The keeper knows it no more: everything is either sent, typed, or the daemon's."""
        returned = self.lent.look(keeper_lost=True)
        if returned is not None:
            self.offset, self.rest = returned.offset, returned.rest
            self.unread += returned.read
        self.read()
        self.check_shown()
        taken = self.kept.words[G_TAKEN]
        self.terminal.taken_before += taken
        try:
            while data := self.daemon.recv(65536):
                self.unread += data
        except BlockingIOError:
            pass
        self._type()
        assert not self.unread and self.keys == taken, "keys were lost or typed twice"
        self.lent.release(), self.kept.close(), self.daemon.close(), self.client.close()


def run(library: pump.Library | None, seed: int, steps: int = STEPS) -> None:
    chance = random.Random(seed)
    place = Place(library)
    terminals: list[Terminal] = []
    flooding: list[Terminal] = []
    for _ in range(steps):
        step = chance.choice(
            ["write", "write", "flood", "hold", "hold", "reader", "type", "type", "read", "visit", "visit", "visit"]
            + ["new", "new"] * (len(terminals) < _MOST)
            + ["rare"] * (chance.random() < 0.3)
        )
        if not terminals or step == "new":
            terminals.append(Terminal(place, chance))
            continue
        one = chance.choice(terminals)
        if step == "write":
            one.write(chance.choice([1, 20, 4095, 4096, 30_000]))
        elif step == "flood":
            flooding = chance.sample(terminals, chance.randint(0, len(terminals)))
        elif step == "hold":
            one.take_hold()
        elif step == "reader":
            one.come_or_go()
        elif step == "type":
            one.type()
        elif step == "read":
            one.read_typed()
        elif step == "visit":
            one.visit()
        else:
            rare = chance.choice(["memory", "finish", "close", "close", "restart"])
            if rare == "memory":
                one.want_memory()
            elif rare == "finish":
                one.finish()
            elif rare == "restart":
                restart(place, terminals)
            else:
                flooding = [other for other in flooding if other is not one]
                terminals.remove(one)
                one.close()
        for other in flooding:
            for _ in range(3):
                other.write(60_000)
    for one in terminals:
        one.close()
    place.settle()
    place.drain.stop()
    os.close(place.wake_fd)
    assert place.log == []


def restart(place: Place, terminals: list[Terminal]) -> None:
    """As an upgrade that fails."""
    place.drain.stop()
    for one in terminals:
        if one.guest is not None:
            guest, one.guest, one.stream.guests = one.guest, None, ()
            guest.check()
    place.start()
    for one in terminals:
        place.drain.add(one.stream)
        if one.is_finished and (MARKED, one.stream) not in place.reports:
            place.drain.finish(one.stream)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["pump", "python"])
def test_in_any_order_of_steps_nothing_is_lost_repeated_or_passed(kind: str, seed: int) -> None:
    library = pump.load() if kind == "pump" else None
    if kind == "pump" and library is None:
        pytest.skip("there is no pump, as there was no C compiler")
    before = len(os.listdir("/proc/self/fd"))
    run(library, seed)
    assert len(os.listdir("/proc/self/fd")) == before
