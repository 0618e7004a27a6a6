"""What a recording keeps in memory: bounded, in order, and counted when it is dropped."""

from __future__ import annotations

from roost.core.recording import Aside, Checkpoint, Encoded
from roost.daemon.moments import MAX_ASIDES, MAX_MARKS, Moments


def encoded(offset: int, asides: int) -> Encoded:
    return Encoded(b"x", Checkpoint(offset, 0, 24, 80), asides)


def test_times_get_coarser_before_memory_grows() -> None:
    moments = Moments()
    for offset in range(1, 10 * MAX_MARKS):
        moments.grown(offset, offset, since=0)
    marks = moments.marks
    assert len(marks) <= MAX_MARKS and marks[-1].offset == 10 * MAX_MARKS - 1
    assert all(mark.offset == mark.at_us for mark in marks), "each still says what was there by its time"


def test_what_does_not_grow_is_no_moment_and_what_is_written_is_forgotten() -> None:
    moments = Moments()
    moments.grown(5, 1, since=5)
    moments.grown(6, 2, since=5)
    moments.grown(6, 3, since=5)
    moments.grown(9, 4, since=5)
    assert [mark.at_us for mark in moments.marks] == [2, 4]
    moments.written(encoded(7, 0))
    assert [mark.offset for mark in moments.marks] == [9]


def test_asides_keep_their_order_and_those_without_room_are_counted() -> None:
    moments = Moments()
    assert moments.add(Aside(9, 1, "m", "a")) and moments.add(Aside(3, 2, "m", "late"))
    assert [aside.offset for aside in moments.asides] == [9, 9]
    while moments.add(Aside(10, 3, "m", "")):
        pass
    assert (len(moments.asides), moments.dropped, moments.take_dropped()) == (MAX_ASIDES, 1, 0)
    moments.written(encoded(10, MAX_ASIDES - 5))
    assert moments.take_dropped() == 1 and moments.dropped == 0 and len(moments.asides) == 5
