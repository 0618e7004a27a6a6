"""The number of a session's terminal, by which its processes are found, while they are being ended."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any, cast

from roost.daemon.record import SessionRecord
from roost.daemon.session import Session
from roost.daemon.session_facts import Origin
from roost.daemon.session_hooks import SessionHooks


def open_terminal() -> tuple[int, int]:
    """A master and the number of its terminal."""
    master, slave = os.openpty()
    try:
        return master, os.fstat(slave).st_rdev
    finally:
        os.close(slave)


def test_the_number_is_nobody_elses_while_it_is_held() -> None:
    loop = asyncio.new_event_loop()
    try:
        master, number = open_terminal()
        record = SessionRecord(name="n", kind="pty", command="c", cwd="", originator="", argv=["c"], rows=24, cols=80)
        hooks = SessionHooks(save=lambda _: None, close_stdin=lambda _: None, signal_group=lambda _s, _n: None)
        session = Session(loop, Origin("s-1", 1, 1, 0.0, tty_nr=number), record, hooks)
        session.streams["stdout"] = cast(Any, SimpleNamespace(scanner=None))
        session.take_input(master)
        assert session.membership().tty_nr == number
        with session.holding_terminal():
            session.drop_input()
            assert session.membership().tty_nr is None
            other, others_number = open_terminal()
            assert others_number != number
            os.close(other)
    finally:
        loop.close()
