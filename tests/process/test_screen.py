"""Screens through the whole of roost: what is shown, and a worker that is killed, stopped or overtaken."""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import pytest
from support.instance import Instance, alive, eventually
from support.screens import worker_of

from roost.client import Client, Screen, Session
from roost.errors import InvalidError, UnavailableError

#: Writes what it is told; its title says that it listens.
PAINTER = r"""
import os, sys, tty
tty.setraw(0)
os.write(1, b"\x1b]2;ready\x07")
for line in open(0, "rb", buffering=0):
    os.write(1, eval(line.strip()))
"""


def painter(client: Client, rows: int = 6, cols: int = 40, **options: object) -> Session:
    session = client.spawn([sys.executable, "-c", PAINTER], rows=rows, cols=cols, **options)  # type: ignore[arg-type]
    eventually(lambda: session.info().title == "ready")
    return session


def paint(session: Session, data: bytes) -> None:
    session.send(repr(data).encode() + b"\n")


def shows(session: Session, text: str) -> Screen:
    """The screen, once that stands on it."""
    return eventually(lambda: screen if text in (screen := session.screen()).text else None, what=f"{text!r} is shown")


def test_a_screen_has_lines_cursor_title_and_modes(client: Client) -> None:
    session = painter(client)
    paint(
        session, "\x1b[2J\x1b[2;3Hgrün 漢字 👍 e\u0301\x1b[31mred\x1b[0m\x1b]2;a title\x07\x1b[?2004h\x1b[?25l".encode()
    )
    eventually(lambda: session.screen().title == "a title")
    screen = session.screen()
    assert screen.lines == ("", "  grün 漢字 👍 e\u0301red", "", "", "", "")
    assert (screen.cursor.row, screen.cursor.column, screen.cursor.visible) == (1, 19, False)
    assert (screen.title, screen.rows, screen.cols) == ("a title", 6, 40)
    assert screen.modes == {"2004": True, "25": False} and not screen.approximate and not screen.alternate


def test_the_hash_tells_whether_anything_changed(client: Client, shared: Instance) -> None:
    session = painter(client)
    paint(session, b"one")
    screen = shows(session, "one")
    same = session.screen(if_changed=screen.hash)
    assert (same.changed, same.lines, same.hash) == (False, (), screen.hash)
    assert shared.roost("screen", session.id, "--if-changed", screen.hash, check=False).returncode == 1
    paint(session, b"\x1b[1mtwo")
    shows(session, "two")
    changed = session.screen(if_changed=screen.hash)
    assert changed.changed and changed.lines[0] == "onetwo"


def test_scrollback_comes_as_lines(client: Client) -> None:
    session = painter(client)
    paint(session, b"".join(b"line %d\r\n" % i for i in range(100)) + b"end")
    shows(session, "end")
    screen = session.screen(lines=3)
    assert screen.scrollback == ("line 92", "line 93", "line 94") and screen.scrollback_lines == 95


def test_the_alternate_screen_hides_the_normal_one(client: Client) -> None:
    session = painter(client)
    paint(session, b"below\x1b[?1049h\x1b[Habove")
    assert shows(session, "above").alternate
    paint(session, b"\x1b[?1049l")
    screen = shows(session, "below")
    assert not screen.alternate and "above" not in screen.text


def test_a_resize_wraps_the_screen_anew(client: Client) -> None:
    session = painter(client)
    paint(session, b"x" * 40 + b"yy")
    shows(session, "yy")
    session.resize(8, 30)
    screen = session.screen()
    assert (screen.rows, screen.cols, screen.lines[:2]) == (8, 30, ("x" * 30, "x" * 10 + "yy"))


#: Fills its terminal whenever that has another size.
FILLER = r"""
import os, signal
def paint(*_):
    rows = os.get_terminal_size().lines
    os.write(1, b"\x1b[H\x1b[2J" + b"\r\n".join(b"%d of %d" % (n + 1, rows) for n in range(rows)))
signal.signal(signal.SIGWINCH, paint)
os.write(1, b"\x1b[?1049h")
paint()
while True:
    signal.pause()
"""


def test_what_a_program_paints_at_once_for_another_size_is_shown_in_that_size(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", FILLER], rows=10, cols=40)
    for rows in (10, *range(8, 30), *range(30, 8, -1)):
        session.resize(rows, 40)
        eventually(lambda rows=rows: session.screen().lines == tuple(f"{n + 1} of {rows}" for n in range(rows)))


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 3), (1, 200), (300, 2)])
def test_a_terminal_of_any_size_has_a_screen(client: Client, rows: int, cols: int) -> None:
    session = painter(client, rows=rows, cols=cols)
    paint(session, b"\x1b[2J\x1b[H" + b"ab\r\n" * 3 + "漢".encode() + b"\x1b[31m#")
    screen = eventually(lambda: screen if (screen := session.screen()).offset > 8 else None)
    assert (screen.rows, screen.cols) == (rows, cols)
    session.resize(3, 1)
    assert session.screen().rows == 3


def test_the_screen_of_an_exited_session_stays(client: Client) -> None:
    session = client.spawn(["sh", "-c", "printf gone"])
    session.wait()
    assert session.screen().lines[0] == "gone"


def test_a_session_without_terminal_has_none(client: Client) -> None:
    session = client.spawn(["cat"], pipe=True)
    with pytest.raises(InvalidError, match="no terminal"):
        session.screen()


async def test_the_asyncio_client_sees_the_same(shared: Instance, client: Client) -> None:
    from roost.client import AsyncClient

    session = painter(client)
    paint(session, b"both")
    seen = shows(session, "both")
    async with AsyncClient(shared.socket, autostart=False) as other:
        assert await (await other.session(session.id)).screen() == seen


def test_the_command_prints_every_form(client: Client, shared: Instance, tmp_path: Path) -> None:
    session = painter(client)
    paint(session, b"plain \x1b[32mgreen\x1b[0m")
    shows(session, "green")
    assert shared.roost("screen", session.id).stdout == b"plain green\n"
    assert b"\x1b[0;32mgreen" in shared.roost("screen", session.id, "--format", "ansi").stdout
    printed = shared.roost("screen", session.id, "--format", "json").stdout
    assert printed.endswith(b"}\n"), "a line of its own"
    cells = json.loads(printed)
    assert cells["lines"][0]["runs"][1] == {"column": 6, "cells": 5, "text": "green", "style": {"foreground": 2}}
    assert shared.json("screen", session.id)["lines"][0] == "plain green"


def test_output_that_left_the_ring_makes_a_late_screen_approximate_until_it_is_cleared(client: Client) -> None:
    session = painter(client, ring_bytes=1 << 16)
    paint(session, b"\x1b[1;31mtop")
    for _ in range(3):
        paint(session, b"\x1b[3;1Hmiddle" * 3000)
    paint(session, b"\x1b[6;1Hbottom")
    eventually(lambda: session.info().start_offset > 0)
    screen = shows(session, "bottom")
    assert screen.approximate
    paint(session, b"\x1b[H\x1b[2Jclean")
    assert not shows(session, "clean").approximate


def test_a_worker_that_is_killed_is_replaced_and_shows_the_same(instance: Instance) -> None:
    with instance.client() as client:
        sessions = [painter(client), painter(client)]
        for number, session in enumerate(sessions):
            paint(session, b"\x1b[3;3Hsession %d" % number)
        before = [shows(session, "session") for session in sessions]
        pid = worker_of(instance)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(pid))
        assert [session.screen().hash for session in sessions] == [screen.hash for screen in before]
        assert worker_of(instance) != pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_everybody_who_asked_is_answered_although_the_worker_ends_meanwhile(
    instance: Instance, number: signal.Signals
) -> None:
    with instance.client() as client, ThreadPoolExecutor(4) as askers:
        session = painter(client)
        paint(session, b"\x1b[3;3Hstays")
        known = shows(session, "stays").hash
        pid, answers = worker_of(instance), Queue[str]()
        asked = [askers.submit(lambda: ask_often(instance, session.id, answers)) for _ in range(4)]
        answers.get(timeout=10)
        os.kill(pid, number)
        for future in asked:
            future.result(20)
        assert {answers.get() for _ in range(answers.qsize())} == {known}
        assert worker_of(instance) not in (0, pid)


def ask_often(instance: Instance, session_id: str, answers: Queue[str]) -> None:
    with instance.client() as client:
        for _ in range(50):
            answers.put(client.screen(session_id).hash)


def test_a_worker_that_hangs_is_replaced_and_what_was_asked_next_is_answered(instance: Instance) -> None:
    with instance.client() as client:
        session = painter(client)
        paint(session, b"before")
        shows(session, "before")
        pid = worker_of(instance)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(UnavailableError, match="did not answer within"):
            session.screen()
        paint(session, b" after")  # nobody waits for the worker: output and input go on
        eventually(lambda: b"after" in session.backlog().data)
        eventually(lambda: not alive(pid), what="the worker that does not answer is ended")
        assert session.screen().text.strip() == "before after" and worker_of(instance) not in (0, pid)


def test_the_worker_ends_with_the_daemon_and_the_next_one_shows_the_same(instance: Instance) -> None:
    with instance.client() as client:
        session = painter(client)
        paint(session, b"\x1b[?1049h\x1b[2;2Hstill here")
        before = shows(session, "still here")
        pid = worker_of(instance)
        instance.kill_daemon()
        eventually(lambda: not alive(pid))
        assert session.screen().hash == before.hash


def test_a_flood_is_followed_to_its_end(client: Client) -> None:
    code = "import sys\nfor i in range(300000): sys.stdout.write(f'line {i}\\n')\nsys.stdout.write('the end')"
    session = client.spawn([sys.executable, "-c", code], rows=24, cols=80)
    session.screen()
    session.wait()
    screen = session.screen(lines=2)
    assert screen.lines[-1] == "the end" and screen.lines[-2] == "line 299999" and not screen.approximate


def test_a_flood_that_overtakes_the_ring_again_and_again_is_answered_each_time(client: Client) -> None:
    code = r"""
import os
data = b"".join(b"\x1b[%d;%dH\x1b[3%dmcell" % (n % 6 + 1, n % 30 + 1, n % 8) for n in range(3000))
while True:
    os.write(1, data)
"""
    session = client.spawn([sys.executable, "-c", code], rows=6, cols=40, ring_bytes=1 << 16)
    eventually(lambda: session.info().start_offset > 1 << 20)
    for _ in range(5):
        screen = session.screen()
        assert screen.approximate and "cell" in screen.text
