"""What a daemon makes of the marks of a shell that it finds."""

from __future__ import annotations

from typing import Any

import pytest

from roost.core.scanner import Scanner
from roost.daemon.shell_track import ShellTrack

COMMAND = [b"\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n", b"\x1b]133;C\x07file\r\n", b"\x1b]133;D;3\x07\x1b]133;A\x07$ "]


@pytest.mark.parametrize("seen", range(len(COMMAND) + 1))
def test_what_was_marked_while_nobody_listened_is_told_once(seen: int) -> None:
    """However far the last daemon got, the next one tells of the rest, and of nothing before."""
    scanner, told = Scanner(), []
    for chunk in COMMAND[:seen]:
        scanner.feed(chunk, scanner.offset)
    scanner.take_marks()
    for chunk in COMMAND[seen:]:  # the next daemon has scanned, but nobody has taken the marks
        scanner.feed(chunk, scanner.offset)

    def emit(type: str, data: dict[str, Any]) -> None:
        told.append((type, data.get("exit_code"), data["offset"]))

    track = ShellTrack(scanner, emit)
    track.take(scanner.take_marks())
    finished_at = len(b"".join(COMMAND[:2]))
    every = [
        ("prompt", None, 0),
        ("command_started", None, len(COMMAND[0])),
        ("command_finished", 3, finished_at),
        ("prompt", None, finished_at + len(b"\x1b]133;D;3\x07")),
    ]
    assert told == every[seen:] if seen < 3 else told == []
    assert (track.running, track.at_prompt) == (False, True)
    assert track.last_finished is not None
    assert (track.last_finished["offset"], track.last_finished["output_offset"]) == (finished_at, len(COMMAND[0]))
    assert track.last_finished["exit_code"] == 3
