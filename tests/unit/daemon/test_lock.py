"""The daemon's lock: one holder, who is named, also where there is no room for a name."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from roost.daemon.lock import DaemonLock
from roost.errors import RoostError


def test_who_has_the_lock_and_where_it_listens_is_said(tmp_path: Path) -> None:
    first = DaemonLock(f"{tmp_path}/lock")
    first.acquire()
    with pytest.raises(RoostError, match=rf"pid {os.getpid()}\) and listens at /there; use it"):
        DaemonLock(f"{tmp_path}/lock").acquire(lambda: "/there")
    first.release()
    second = DaemonLock(f"{tmp_path}/lock")
    second.acquire()
    second.release()


def test_a_holder_with_the_same_state_that_listens_elsewhere_is_told_from_one_here(tmp_path: Path) -> None:
    first = DaemonLock(f"{tmp_path}/lock", "/there/daemon.sock")
    first.acquire()
    with pytest.raises(RoostError, match=rf"pid {os.getpid()} keeps its state in .* too, and listens at /there"):
        DaemonLock(f"{tmp_path}/lock", "/here/daemon.sock").acquire()
    with pytest.raises(RoostError, match="already running here"):
        DaemonLock(f"{tmp_path}/lock", "/there/daemon.sock").acquire()
    first.release()


def test_on_a_full_disk_the_lock_holds_without_the_pid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    lock = DaemonLock(f"{tmp_path}/lock")
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        lock.acquire()
    with pytest.raises(RoostError, match="already running here"):
        DaemonLock(f"{tmp_path}/lock").acquire()
    lock.release()


def test_a_lock_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(RoostError, match=f"{tmp_path}/none/lock cannot be opened: No such file"):
        DaemonLock(f"{tmp_path}/none/lock").acquire()
