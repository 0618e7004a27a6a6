"""What is known of the screen from the bytes that were written to it."""

from __future__ import annotations

import pytest

from roost.cli.terminal import FALLBACK_RESET, Screen


def seen(*chunks: bytes) -> Screen:
    screen = Screen()
    for chunk in chunks:
        screen.note(chunk)
    return screen


@pytest.mark.parametrize(
    ("chunks", "at_line_start"),
    [
        ([], True),
        ([b"text"], False),
        ([b"text\r\n"], True),
        ([b"text\r\n", b""], True),
        ([b"text\r\n\x1b[?2004h\x1b[0m"], True),
        ([b"text\r\n", b"\x1b[?2004h"], True),
        ([b"prompt> \x1b[?2004h"], False),
        ([b"vim\r\n\x1b[?1049hpicture", b"more picture", b"\x1b[?1049l\x1b[?25h"], True),
        ([b"prompt> \x1b[?1049hpicture\r\n\x1b[?1049l"], False),
    ],
)
def test_whether_a_line_of_our_own_needs_a_line_end_first(chunks: list[bytes], at_line_start: bool) -> None:
    assert seen(*chunks).at_line_start == at_line_start


def test_the_alternate_screen_is_followed() -> None:
    assert seen(b"a\x1b[?1049hb").alternate
    assert not seen(b"a\x1b[?1049hb\x1b[?1049l").alternate
    assert seen(b"\x1b[?1049l\x1b[?47h").alternate


def test_the_fallback_leaves_the_alternate_screen_only_if_it_is_in_it() -> None:
    assert seen(b"x").fallback_reset() == FALLBACK_RESET
    assert seen(b"\x1b[?1049h").fallback_reset() == b"\x1b[?1049l" + FALLBACK_RESET
