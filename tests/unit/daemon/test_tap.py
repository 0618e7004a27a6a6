"""A consumer that works on what it gets has the loop for short slices only, and still gets every byte in order."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from roost.daemon.stream import Stream
from roost.daemon.tap import SLICE_S, Slices, Tap

OUTPUT = bytes(range(256)) * 1024


class Loop:
    """Time that passes by work only, and what is to be done later."""

    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.later.append((delay_s, callback))


def tapped(loop: Loop, seconds_per_byte: float, got: list[tuple[int, bytes]], turns: list[None]) -> Tap:
    def take(offset: int) -> bytes:
        return OUTPUT[offset : offset + 65536]

    def work(offset: int, data: bytes) -> None:
        got.append((offset, data))
        loop.now += seconds_per_byte * len(data)

    ring = SimpleNamespace(start=0, end=len(OUTPUT))
    stream = SimpleNamespace(ring=ring, take=take, add=lambda _: None, turn_soon=lambda: turns.append(None))
    slices = Slices(loop.call_later, lambda: loop.now)
    tap = Tap(cast(Stream, stream), 0, work, lambda _start, _end: None, slices=slices)
    tap.open()
    return tap


def test_quick_work_comes_to_whole_pieces_without_a_pause() -> None:
    loop = Loop()
    got: list[tuple[int, bytes]] = []
    turns: list[None] = []
    tap = tapped(loop, 1e-9, got, turns)
    while tap.pump():
        pass
    assert b"".join(data for _, data in got) == OUTPUT
    assert max(len(data) for _, data in got) == 65536
    assert not loop.later


def test_slow_work_gets_short_pieces_and_is_left_alone_for_as_long_as_it_took() -> None:
    per_byte = 5e-6
    loop = Loop()
    got: list[tuple[int, bytes]] = []
    turns: list[None] = []
    tap = tapped(loop, per_byte, got, turns)
    while tap.offset < len(OUTPUT):
        before = loop.now
        more = tap.pump()
        took = loop.now - before
        assert took <= 4096 * per_byte, "the first piece is the longest"
        if took <= SLICE_S:
            continue
        assert not more
        assert tap.blocked
        assert not tap.pump(), "it is left alone"
        delay_s, resume = loop.later.pop()
        assert abs(delay_s - took) < 1e-9
        resume()
        assert not tap.blocked
        assert turns.pop() is None
    assert b"".join(data for _, data in got) == OUTPUT
    assert [offset for offset, _ in got] == [sum(len(data) for _, data in got[:at]) for at in range(len(got))]
    assert max(len(data) for _, data in got[1:]) * per_byte <= 2 * SLICE_S
