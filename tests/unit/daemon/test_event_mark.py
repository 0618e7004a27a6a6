"""The mark of how far events were numbered, also where there is no room for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from roost.daemon.events.mark import EventMark


def test_the_next_daemon_knows_how_far_events_were_numbered(tmp_path: Path) -> None:
    first = EventMark(str(tmp_path / "mark"))
    assert first.previous is None
    first.words[0], first.words[1] = 7, 99
    first.close()
    second = EventMark(str(tmp_path / "mark"))
    assert second.previous == (7, 99)
    second.close()


def test_without_room_for_its_page_the_mark_is_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_fd: int, _at: int, _count: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    mark = EventMark(str(tmp_path / "mark"))
    mark.words[0], mark.words[1] = 7, 99
    assert mark.previous is None and "No space left" in caplog.text
    mark.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_page_without_room_does_not_kill_the_process(tmp_path: Path) -> None:
    if os.system(f"mount -t tmpfs -o size=4k tmpfs {tmp_path}") != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        (tmp_path / "fill").write_bytes(b"x" * 4096)
        mark = EventMark(str(tmp_path / "mark"))
        mark.words[0] = 1
        mark.close()
    finally:
        os.system(f"umount {tmp_path}")
