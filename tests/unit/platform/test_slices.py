"""A thread's short slice: the kernel has it, and nobody who is started from there."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from roost.platform.slices import shorten_slice

US = 100


def slice_ns(pid: int | str, thread: int | str) -> int:
    try:
        text = Path(f"/proc/{pid}/task/{thread}/sched").read_text()
    except OSError:
        pytest.skip("this kernel tells no slices")
    found = re.search(r"^se\.slice\s*:\s*(\d+)$", text, re.MULTILINE)
    if found is None:
        pytest.skip("this kernel tells no slices")
    return int(found[1])


def test_the_calling_thread_has_it_and_those_that_it_starts_have_not() -> None:
    seen: dict[str, int] = {}

    def look(name: str) -> None:
        seen[name] = slice_ns(os.getpid(), threading.get_native_id())

    def in_a_hurry() -> None:
        look("before")
        assert shorten_slice(US)
        look("itself")
        another = threading.Thread(target=look, args=("another",))
        another.start()
        another.join()

    slice_ns(os.getpid(), os.getpid())
    thread = threading.Thread(target=in_a_hurry)
    thread.start()
    thread.join()
    assert seen["itself"] in (US * 1000, seen["before"]), "older kernels have no slices of a thread's own"
    assert seen["another"] == seen["before"] or seen["before"] == US * 1000


def test_a_thread_with_a_policy_of_its_own_keeps_it() -> None:
    kept: list[int | bool] = []

    def batch() -> None:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        kept.append(shorten_slice(US))
        kept.append(os.sched_getscheduler(0))

    thread = threading.Thread(target=batch)
    thread.start()
    thread.join()
    assert kept == [False, os.SCHED_BATCH]
