"""The number of a daemon's life rises, and a full disk keeps no daemon from starting."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from roost.daemon import epoch
from roost.daemon.epoch import next_epoch


def test_each_life_has_a_greater_number_and_nonsense_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    assert [next_epoch(str(path)) for _ in range(3)] == [1, 2, 3]
    path.write_text("nonsense")
    assert next_epoch(str(path)) == 1
    assert os.listdir(tmp_path) == ["epoch"] and path.stat().st_mode & 0o077 == 0


def test_on_a_full_disk_the_number_is_written_over_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "epoch"
    assert next_epoch(str(path)) == 1

    def full(_path: str, _flags: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(epoch, "_private", full)
    assert [next_epoch(str(path)) for _ in range(2)] == [2, 3]
    assert not caplog.records
    path.unlink()
    assert next_epoch(str(path)) == 1, "it goes on without a number stored"
    assert "cannot be written" in caplog.text
