"""One ring and everybody who reads it: the turn that takes output from the ring and hands it to the clients.

Owns when the ring is looked at, what is copied out of it, the scanner's progress and the hold. Knows attachments only
as things that can be pumped; knows nothing of requests, sessions or the keeper's messages.

A turn: every ready attachment takes what its cursor allows, the scanner looks at the new bytes once, then the stream
either goes to sleep on the eventfd or comes back. Small output is forwarded at the instant; after a larger piece the
next look is a moment later, so that a flood costs a few wake-ups a millisecond and not one for each 4 KiB.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Protocol

from roost.core.questions import Query
from roost.core.scanner import Scanner
from roost.core.shell_marks import Mark
from roost.daemon.prompt_loop import out_of_turn
from roost.ring.layout import GUARD_BYTES
from roost.ring.reader import RingReader
from roost.wire.frames import output_head

#: Frames one client may take in a turn before the loop sees to others.
FRAMES_PER_TURN = 4
#: Output below this is forwarded and the stream sleeps again at once.
SMALL_BYTES = 1024
#: Output above this a turn means a flood: the next turn follows directly.
FLOOD_BYTES = 128 * 1024
#: How long a stream with clients collects after a larger piece.
COLLECT_S = 0.001
#: How long a stream without clients collects; a busy one less, so that the scanner is not lapped.
UNWATCHED_S = 0.1
#: How often the scanner's state is stored in the ring header at most.
STORE_EVERY_BYTES = 64 * 1024
STORE_DELAY_S = 0.2
#: How long the loop looks for the echo of a keystroke before it sleeps. Waking up again would take as long, and the
#: keeper would have to do it: measured, a keystroke's round trip is a third to a half shorter.
ECHO_LOOK_S = 150e-6
#: After looks in vain, up to so many keystrokes go without one.
ECHO_SKIPS_MOST = 64


class Pumped(Protocol):
    """What a stream needs of an attachment."""

    lossless: bool

    @property
    def blocked(self) -> bool:
        """Whether its socket has to become writable first."""

    def pump(self) -> bool:
        """Send one frame; True when there may be more to send right away."""

    def hold_offset(self) -> int:
        """The least offset not yet handed over whole."""


class Stream:
    """One output stream of a session."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ring: RingReader,
        data_event: int,
        room_event: int,
        *,
        scans: bool,
        on_output: Callable[[float], None],
    ) -> None:
        """Take over the descriptors of the two events. `scans`: terminal output, to be looked at by the scanner."""
        self.ring = ring
        self._loop = loop
        self._data_event = data_event
        self._room_event = room_event
        self._on_output = on_output
        self._attachments: list[Pumped] = []
        self._cache = b""
        self._cache_at = 0
        self._frame = b""
        self._frame_key = (-1, 0, False)
        self._seen = ring.end
        self._turn_at = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._soon = False
        self._found_hold = ring.hold  # the last daemon's, until everybody who may take it over is here
        self._holding = self._found_hold is not None
        self.reserved_hold: int | None = None  # kept for a lossless client that has not come back yet
        self._keeps_found_hold = False
        self.when_moved: list[Callable[[], None]] = []
        self.hurried = 0  # how many want to know of output at once, although they do not take part
        self._closed = False
        self._echo_skips = 0
        self._echo_vain = 0
        self.scanner = Scanner.from_state(ring.scanner_state()) if scans else None
        #: Told of the shell marks in a piece once the scanner has seen it.
        self.on_marks: Callable[[list[Mark]], None] | None = None
        #: Told of the questions to the terminal in a piece once the scanner has seen it.
        self.on_queries: Callable[[list[Query]], None] | None = None
        #: Called when the keeper has told of something.
        self.on_woken: Callable[[], None] | None = None
        self._scanned = ring.scanned
        self._stored = self._scanned
        self._store_timer: asyncio.TimerHandle | None = None
        self._readers = out_of_turn(loop)
        self._readers.add_reader(data_event, self._woken)
        self.turn_soon()

    # --- the turn -------------------------------------------------------------------------------------------------

    def _woken(self) -> None:
        try:
            os.eventfd_read(self._data_event)
        except BlockingIOError:
            return
        if self.on_woken is not None:
            self.on_woken()
        if self._timer is None and not self._soon:
            self.turn()

    def expect_echo(self) -> None:
        """A keystroke went to the child: look for what comes back for a moment, as long as that has paid off lately.

        Each look gives way to whoever wants this core, so that the child and the keeper are not kept from it.
        """
        if self._echo_skips > 0:
            self._echo_skips -= 1
            return
        ring, seen = self.ring, self._seen
        ring.stay_awake()
        self._hand_out()  # nothing, most likely: but then the way out is in the processor's caches when the echo comes
        deadline = time.perf_counter() + ECHO_LOOK_S
        while ring.end == seen:
            os.sched_yield()
            if time.perf_counter() > deadline:
                self._echo_vain = min(self._echo_vain * 2 + 1, ECHO_SKIPS_MOST)
                self._echo_skips = self._echo_vain
                if not ring.prepare_wait(seen):
                    self.turn()
                return
        self._echo_vain = 0
        self.turn()

    def turn_soon(self) -> None:
        """Have a turn in this loop iteration or the next."""
        if not self._soon and not self._closed:
            self._soon = True
            self._loop.call_soon(self._soon_turn)

    def _soon_turn(self) -> None:
        self._soon = False
        if not self._closed:
            self.turn()

    def _timed_turn(self) -> None:
        self._timer = None
        if not self._closed and not self._soon:
            self.turn()

    def turn(self) -> None:
        """Hand out what there is, then sleep or come back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._keeps_found_hold:
            self._found_hold = None
        end = self.ring.end
        moved = end - self._seen
        self._seen = end
        more = self._hand_out()
        if self._holding:
            self.update_hold()
        if moved:
            now_ns = time.time_ns()
            self.ring.note_seen(end, now_ns)
            self._on_output(now_ns / 1e9)
            for call in self.when_moved:
                call()
        if self.scanner is not None and self._scanned < end:
            more = self._scan(self.scanner, end) or more
        self._rest(end, moved, more)

    def _hand_out(self) -> bool:
        """Let every reader have a few frames, in rounds of one each, so that readers at one offset share what is copied
        and encoded; True when somebody could have more right away."""
        if len(self._attachments) == 1:
            return self._hand_out_to(self._attachments[0])
        ready = [attachment for attachment in self._attachments if not attachment.blocked]
        for _ in range(FRAMES_PER_TURN):
            ready = [attachment for attachment in ready if attachment.pump()]
            if not ready:
                return False
        return True

    def _hand_out_to(self, attachment: Pumped) -> bool:
        """The same for a lone reader: what a keystroke's echo waits for."""
        if attachment.blocked:
            return False
        left = FRAMES_PER_TURN
        while left and attachment.pump():
            left -= 1
        return not left

    def _rest(self, end: int, moved: int, more: bool) -> None:
        """Decide when the next turn is: at once, in a moment, or when the keeper wakes us."""
        if more:
            self.turn_soon()
            return
        if self._attachments or self.hurried:
            if moved >= FLOOD_BYTES:
                self.turn_soon()
                return
            if moved >= SMALL_BYTES:
                self._timer = self._loop.call_later(COLLECT_S, self._timed_turn)
                return
        elif moved:
            self._timer = self._loop.call_later(self._unwatched_delay(moved), self._timed_turn)
            return
        if not self.ring.prepare_wait(end):
            self.turn_soon()

    def _unwatched_delay(self, moved: int) -> float:
        """How long nobody needs to look: until about a quarter of the ring will have been written at this rate."""
        now = self._loop.time()
        elapsed = max(now - self._turn_at, 1e-4)
        self._turn_at = now
        return min(UNWATCHED_S, max(COLLECT_S, self.ring.capacity / 4 * elapsed / moved))

    def take(self, offset: int) -> bytes | None:
        """Up to GUARD bytes from `offset`; None when they were overwritten. One copy serves all cursors that agree."""
        if offset == self._cache_at and self._cache:
            return self._cache
        data = self.ring.read(offset, GUARD_BYTES)
        if data:
            self._cache_at = offset
            self._cache = data
        return data

    def front(self) -> int:
        """Where readers that keep up are: the offset of the piece that was taken last, or near the end."""
        end = self.ring.end
        return self._cache_at if end - self._cache_at < self.ring.capacity // 2 else end - GUARD_BYTES

    @property
    def shared(self) -> bool:
        """Whether several readers take part, so that a frame made once serves more than one."""
        return len(self._attachments) > 1

    def frame(self, offset: int, data: bytes, *, extended: bool) -> bytes:
        """The output frame of a piece just taken, made once for all readers at that offset."""
        key = (offset, len(data), extended)
        if key != self._frame_key:
            self._frame_key = key
            self._frame = output_head(len(data), offset if extended else None) + data
        return self._frame

    # --- the scanner ----------------------------------------------------------------------------------------------

    def _scan(self, scanner: Scanner, end: int) -> bool:
        """Let the scanner see one piece; True when there is more. Stored with a delay: a new daemon goes on there."""
        data = self.take(self._scanned)
        if data is None:
            scanner.lapped()
            self._scanned = self.ring.start
            return True
        scanner.feed(data, self._scanned)
        self._scanned += len(data)
        if scanner.fresh_marks and self.on_marks is not None:
            self.on_marks(scanner.take_marks())
        if scanner.asked and self.on_queries is not None:
            self.on_queries(scanner.take_queries())
            self._store_scanner()  # a daemon that comes after this one must not answer again
            return self._scanned < end
        if self._scanned - self._stored >= STORE_EVERY_BYTES:
            self._store_scanner()
        elif self._store_timer is None:
            self._store_timer = self._loop.call_later(STORE_DELAY_S, self._store_scanner)
        return self._scanned < end

    def _store_scanner(self) -> None:
        if self._store_timer is not None:
            self._store_timer.cancel()
            self._store_timer = None
        if self._closed or self.scanner is None or self._stored == self._scanned:
            return
        self.ring.set_scanned(self._scanned, self.scanner.state if self.scanner.dirty else None)
        self._stored = self._scanned

    @property
    def scanned(self) -> int:
        """Up to where the scanner has looked; without one, where the output stood at the start of this daemon."""
        return self._scanned

    def scan_to_end(self) -> int:
        """Bring the scanner up to date and return the offset it stands at (the end just seen)."""
        end = self.ring.end
        if self.scanner is not None:
            while self._scanned < end:
                self._scan(self.scanner, end)
        return end

    # --- readers --------------------------------------------------------------------------------------------------

    def add(self, attachment: Pumped) -> None:
        """Let an attachment take part; it is pumped soon."""
        self._attachments.append(attachment)
        if attachment.lossless:
            self._holding = True
            self.update_hold()
        self.turn_soon()

    def remove(self, attachment: Pumped) -> None:
        """Forget an attachment; its hold goes with it."""
        if attachment in self._attachments:
            self._attachments.remove(attachment)
            if attachment.lossless:
                self.update_hold()

    def update_hold(self) -> None:
        """Set the hold to the least offset a lossless attachment still needs, or release it; wake a stalled keeper."""
        offsets = [a.hold_offset() for a in self._attachments if a.lossless]
        if self.reserved_hold is not None:
            offsets.append(self.reserved_hold)
        if self._found_hold is not None:
            offsets.append(self._found_hold)
        hold = min(offsets, default=None)
        self._holding = hold is not None
        if self.ring.set_hold(hold) and self._room_worth_waking(hold):
            os.eventfd_write(self._room_event, 1)

    def wake_keeper(self) -> None:
        """Have the draining thread look at what concerns this stream."""
        if not self._closed:
            os.eventfd_write(self._room_event, 1)

    def keep_found_hold(self) -> None:
        """Keep the hold that an earlier daemon left until `release_found_hold`: whose it is may not be loaded yet."""
        self._keeps_found_hold = True

    def release_found_hold(self) -> None:
        """Whoever has a part in that hold has taken it over."""
        self._keeps_found_hold = False
        if self._found_hold is not None:
            self._found_hold = None
            self.update_hold()

    def _room_worth_waking(self, hold: int | None) -> bool:
        # A stalled keeper is woken for a quarter of a ring or more, not for each frame.
        return hold is None or hold + self.ring.capacity - self.ring.end >= self.ring.capacity // 4

    def close(self) -> None:
        """Stop looking at the ring and give the descriptors back."""
        if self._closed:
            return
        self._store_scanner()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._readers.remove_reader(self._data_event)
        os.close(self._data_event)
        os.close(self._room_event)
        self.ring.release()
