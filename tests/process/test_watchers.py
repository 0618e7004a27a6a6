"""Clients of plain v1 that only watch: the keeper serves them, floods included, and gives back who does not keep up."""

from __future__ import annotations

import sys
import time

import pytest
from support.instance import Instance, eventually
from support.typist import lent, stopped
from support.v1 import V1Client

from roost.keeper import pump

RECORD = 8
#: Writes so many numbered records behind the first byte that it is given, then ends.
CHILD = f"""
import os, termios, tty
tty.setraw(0, termios.TCSANOW)
os.write(1, b"ready..\\n")
os.read(0, 1)
for start in range(0, {{records}}, 1000):
    data = memoryview(b"".join(b"%0{RECORD - 1}d\\n" % at for at in range(start, start + 1000)))
    while data:
        data = data[os.write(1, data):]
"""

pytestmark = pytest.mark.skipif(pump.load() is None, reason="without a pump the keeper serves those who type only")


class Watcher(V1Client):
    """Attached to a session of its own, whose output it counts."""

    def __init__(self, instance: Instance, records: int) -> None:
        super().__init__(instance.socket)
        self.total = records * RECORD
        self.at = 0
        with V1Client(instance.socket) as other:
            self.session = other.spawn(sys.executable, "-I", "-S", "-c", CHILD.format(records=records)).session_id
        answer = self.attach(self.session)
        self.until(b"ready..\n", answer.attach_pty_session.backlog)
        eventually(lambda: lent(instance, self.session), what="the connection is lent although nobody types")

    def take(self) -> bool:
        """One frame, which holds what comes next; False for the last one."""
        frame = self.frame()
        what = frame.WhichOneof("frame")
        if what == "missed_bytes":
            self.at += frame.missed_bytes
        elif what == "output":
            first = self.at // RECORD
            there = b"".join(b"%07d\n" % at for at in range(first, first + len(frame.output) // RECORD + 2))
            start = self.at % RECORD
            assert frame.output == there[start : start + len(frame.output)], self.at
            self.at += len(frame.output)
        return what in ("missed_bytes", "output")


def test_a_flood_is_shown_while_the_daemon_is_stopped(shared: Instance) -> None:
    with Watcher(shared, 200_000) as watcher:
        watcher.type(b"!")
        with stopped(shared.note_pids()):
            while watcher.at < 100_000:
                assert watcher.take()
        while watcher.take():
            pass
        assert watcher.at == watcher.total


def test_a_flood_is_exact_from_hand_to_hand(shared: Instance) -> None:
    with Watcher(shared, 1_000_000) as watcher:
        watcher.type(b"!")
        while watcher.take():
            pass
        assert watcher.at == watcher.total


@pytest.mark.parametrize("pause_s", [0.001, 0.05])
def test_who_does_not_keep_up_is_told_exactly_what_was_missed(shared: Instance, pause_s: float) -> None:
    """Whether it is slow for a moment, now and then, or for long: from hand to hand not a byte is lost or repeated."""
    with Watcher(shared, 1_000_000) as watcher:
        watcher.type(b"!")
        for number in range(10_000_000):
            if number % 200 == 0:
                time.sleep(pause_s)
            if not watcher.take():
                break
        assert watcher.at == watcher.total
