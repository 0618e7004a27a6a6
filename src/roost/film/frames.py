"""From a recording to frames: what the screen looked like, and for how long.

Owns the sampling: one frame at most for each slot of 1/fps seconds, none that looks like the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from roost.core.cast import OUTPUT, RESIZE, Cast, parse_size
from roost.errors import InvalidError
from roost.screen.emulator import Emulator, clamp, make_emulator
from roost.screen.snapshot import Snapshot

#: More frames than this make a file that nobody can open.
MAX_FRAMES = 5000
#: How long the last frame stands before a film begins anew.
LAST_US = 2_000_000
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen and when it was there, in microseconds of the film."""

    at_us: int
    screen: Snapshot


@dataclass(frozen=True, slots=True)
class Film:
    """Frames in their order; the first begins at 0. rows, cols: of the largest one."""

    frames: tuple[Frame, ...]
    duration_us: int

    @property
    def rows(self) -> int:
        """Rows of the tallest frame."""
        return max(frame.screen.rows for frame in self.frames)

    @property
    def cols(self) -> int:
        """Columns of the widest frame."""
        return max(frame.screen.cols for frame in self.frames)


def film_of(cast: Cast, *, fps: float, idle_limit_us: int | None = None, speed: float = 1.0) -> Film:
    """The whole recording. Raises InvalidError for one of too many frames."""
    slot_us = max(1, round(_US / fps))
    frames: list[Frame] = []
    duration = 0
    seen = ""
    for at_us, screen in _samples(cast, slot_us, idle_limit_us, speed):
        duration = at_us
        look = screen.hash
        if look == seen:
            continue
        seen = look
        frames.append(Frame(at_us if frames else 0, screen))
        if len(frames) > MAX_FRAMES:
            raise InvalidError(
                f"more than {MAX_FRAMES} frames; take fewer with --fps or --idle-limit, or a part with --from and --to"
            )
    return Film(tuple(frames), duration + LAST_US)


def _samples(cast: Cast, slot_us: int, idle_limit_us: int | None, speed: float) -> Iterator[tuple[int, Snapshot]]:
    """What the screen looked like at the end of every slot in which something happened, and at the end."""
    emulator = _emulator(cast)
    try:
        before = played = 0
        changed_at: int | None = None
        for event in cast.events:
            pause = event.at_us - before
            before = event.at_us
            played += int((pause if idle_limit_us is None else min(pause, idle_limit_us)) / speed)
            if changed_at is not None and played // slot_us != changed_at // slot_us:
                yield changed_at, emulator.snapshot()
                changed_at = None
            if _apply(emulator, event.code, event.data):
                changed_at = played if changed_at is None else changed_at
        yield played if changed_at is None else changed_at, emulator.snapshot()
    finally:
        emulator.close()


def _emulator(cast: Cast, *, scrollback: int = 0) -> Emulator:
    return make_emulator(*clamp(cast.header.rows, cast.header.cols), scrollback=max(scrollback, 1000))


def _apply(emulator: Emulator, code: str, data: str) -> bool:
    """Let an event happen; whether it can be seen."""
    if code == OUTPUT:
        emulator.feed(data.encode("utf-8", "replace"))
        return True
    size = parse_size(data) if code == RESIZE else None
    if size is None:
        return False
    emulator.resize(*clamp(*size))
    return True


def screen_at(cast: Cast, at_us: int | None, *, scrollback: int = 0) -> Snapshot:
    """What the screen looked like at a moment of the recording, None for its end."""
    emulator = _emulator(cast, scrollback=scrollback)
    try:
        for event in cast.events:
            if at_us is not None and event.at_us > at_us:
                break
            _apply(emulator, event.code, event.data)
        return emulator.snapshot(scrollback=scrollback)
    finally:
        emulator.close()
