"""The arithmetic of a tee: every size a killed daemon may leave tells exactly where to go on; files rotate at lines."""

from __future__ import annotations

import pytest

from roost.core.tee import OVERSHOOT_BYTES, Place, Resumption, gap_marker, marker, resume, rotation_cut


def test_a_plain_copy_goes_on_where_its_size_says() -> None:
    assert resume(Place(100, 5000), 100, 9000, markers=True) == Resumption(5000)
    assert resume(Place(100, 5000), 1234, 9000, markers=True) == Resumption(5000 + 1134)


@pytest.mark.parametrize("markers", [True, False])
def test_every_size_around_a_loss_leads_to_the_same_file(markers: bool) -> None:
    stream = bytes(i % 251 for i in range(400))
    place = Place(size=50, offset=50, gap_to=300)
    text = gap_marker(place, markers=markers)
    whole = stream[:50] + text + stream[300:]
    for size in range(50, len(whole) + 1):
        at = resume(place, size, len(stream), markers=markers)
        assert at is not None
        assert whole[:size] + at.marker_rest + stream[at.offset :] == whole


def test_the_marker_is_v1s() -> None:
    assert marker(17) == b"\n[running-process tee missed 17 bytes]\n"


@pytest.mark.parametrize(
    ("place", "size", "end"), [(Place(100, 0), 99, 50), (Place(0, 0), 51, 50), (Place(0, 0, 10), 200, 50)]
)
def test_a_size_that_the_stream_cannot_explain_is_refused(place: Place, size: int, end: int) -> None:
    assert resume(place, size, end, markers=True) is None


@pytest.mark.parametrize(
    ("data", "size", "line_open", "expected"),
    [
        (b"ab\ncd\n", 0, False, (6, False)),  # fits
        (b"ab\ncd\nef\n", 4, False, (6, True)),  # behind the last line that fits
        (b"abcdefghijk\n", 4, False, (0, True)),  # the line fits nowhere here: it goes into the next file
        (b"abcdefghijk\nx", 4, True, (12, True)),  # it had begun already: it is ended here
        (b"abcdefghijklmn", 4, True, (14, False)),  # its end is not in sight yet
        (b"x", 99, True, (1, False)),
        (b"\nx", 99, True, (1, True)),
        (b"abcdefghijklmnop\n", 0, False, (17, True)),  # longer than a file
    ],
)
def test_a_file_ends_behind_a_line(data: bytes, size: int, line_open: bool, expected: tuple[int, bool]) -> None:
    assert rotation_cut(data, size, 10, line_open=line_open) == expected


def test_a_line_without_an_end_is_cut_after_the_overshoot() -> None:
    data = b"x" * (OVERSHOOT_BYTES + 100)
    assert rotation_cut(data, 0, 10, line_open=False) == (OVERSHOOT_BYTES + 10, True)
    assert rotation_cut(data, 10 + OVERSHOOT_BYTES, 10, line_open=True) == (0, True)
