"""Attaching to what a session shows: painted first, then every byte from exactly there; and who answers questions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process.test_screen import paint, painter, shows, worker_of
from support.instance import Instance, alive, eventually

from roost.client import Attachment, Client, Session
from roost.errors import InvalidError
from roost.model import Output
from roost.screen.emulator import make_emulator
from roost.screen.snapshot import Snapshot


class Outer:
    """A terminal in which somebody attaches."""

    def __init__(self, attachment: Attachment, rows: int, cols: int) -> None:
        self.attachment = attachment
        self._emulator = make_emulator(rows, cols)
        self._emulator.feed(b"what was there before\r\n" * 3)
        self._emulator.feed(attachment.restore)
        self.offset = attachment.start_offset

    def until(self, text: str) -> Snapshot:
        """Show output until that stands on the screen."""
        while text not in "\n".join(self._emulator.text()):
            event = self.attachment.recv(10)
            if isinstance(event, Output):
                assert event.offset == self.offset, "no byte is left out or comes twice"
                self.offset += len(event.data)
                self._emulator.feed(event.data)
        return self._emulator.snapshot(scrollback=100, primary=True)


def attach(session: Session, rows: int = 6, cols: int = 40, **options: object) -> Outer:
    attachment = session.attach(rows=rows, cols=cols, tty=True, restore="screen", **options)  # type: ignore[arg-type]
    assert attachment.restored == "screen"
    return Outer(attachment, rows, cols)


def test_attaching_paints_contents_cursor_modes_and_title_then_goes_on_from_there(client: Client) -> None:
    session = painter(client)
    paint(session, b"shell$ vi\r\n\x1b[?1049h\x1b[2J\x1b[?1h\x1b[?2004h\x1b[?1002;1006h\x1b]2;editor\x07\x1b[4;9Hte")
    shows(session, "te")
    outer = attach(session)
    with outer.attachment:
        assert outer.attachment.start_offset == session.info().end_offset
        session.send(repr(b"xt") + "\n")
        shown = outer.until("text")
        assert shown.lines[3].text == "        text" and (shown.cursor.row, shown.cursor.column) == (3, 12)
        assert shown.title == "editor" and {1, 2004, 1002, 1006} <= set(shown.modes) and shown.alternate
        assert shown.primary is not None and shown.primary.lines[0].text == "shell$ vi"


def test_a_sequence_cut_in_two_by_attaching_is_whole(client: Client) -> None:
    session = painter(client)
    paint(session, b"\x1b[2J\x1b[2;2Hxx\x1b[3")
    shows(session, "xx")
    outer = attach(session)
    with outer.attachment:
        paint(session, b";5Hhere" + "漢".encode()[:1])
        assert outer.until("here").lines[2].text == "    here"


def test_the_scrollback_comes_with_the_normal_screen(client: Client) -> None:
    session = painter(client)
    paint(session, b"".join(b"line %d\r\n" % i for i in range(30)) + b"prompt$ ")
    shows(session, "prompt$")
    outer = attach(session)
    with outer.attachment:
        shown = outer.until("prompt$")
        assert [line.text for line in shown.lines] == [f"line {i}" for i in range(25, 30)] + ["prompt$"]
        assert [line.text for line in shown.scrollback[-25:]] == [f"line {i}" for i in range(25)]


@pytest.mark.parametrize(("rows", "cols"), [(12, 60), (5, 22)])
def test_attaching_from_another_size_shows_the_screen_in_that_size(client: Client, rows: int, cols: int) -> None:
    session = painter(client)
    paint(session, b"a" * 40 + b"b" * 10 + b"\r\n$ ")
    shows(session, "$")
    outer = attach(session, rows, cols)
    with outer.attachment:
        paint(session, b"go on")
        shown = outer.until("go on")
        assert [line.text for line in shown.lines] == list(shows(session, "go on").lines)
        assert (session.info().rows, session.info().cols) == (rows, cols)


def test_a_viewer_of_another_size_sees_the_part_that_fits(client: Client) -> None:
    session = painter(client, 20, 60)
    paint(session, b"\x1b[?1049h\x1b[2J" + b"".join(b"\x1b[%d;1Hrow %02d %s" % (i, i, b"." * 50) for i in range(1, 21)))
    shows(session, "row 20")
    with session.attach(mode="view", rows=5, cols=20, restore="screen") as viewer:
        shown = make_emulator(5, 20)
        shown.feed(viewer.restore)
        assert shown.text() == [f"row {i:02} " + "." * 13 for i in range(1, 6)]
    assert (session.info().rows, session.info().cols) == (20, 60)


def test_an_unknown_restore_is_refused(client: Client) -> None:
    session = painter(client)
    with pytest.raises(InvalidError, match="restore"):
        session.attach(restore="everything")


def test_without_a_worker_the_retained_output_is_shown_soon(instance: Instance) -> None:
    with instance.client() as client:
        session = painter(client)
        paint(session, b"retained")
        shows(session, "retained")
        pid = worker_of(instance)
        os.kill(pid, signal.SIGSTOP)
        with session.attach(restore="screen", rows=6, cols=40, tty=True) as attachment:
            assert attachment.restored == "raw" and attachment.start_offset == 0
        eventually(lambda: not alive(pid))


#: Paints its size when it begins and whenever that changes, otherwise only what changed: like htop.
CURSES = r"""
import os, signal, sys
def paint(*_):
    size = os.get_terminal_size()
    os.write(1, b"\x1b[H\x1b[2Jheader %dx%d\x1b[%d;1Hfooter" % (size.lines, size.columns, size.lines))
os.write(1, b"\x1b[?1049h")
signal.signal(signal.SIGWINCH, paint)
paint()
for n in range(20000):
    os.write(1, b"\x1b[3;1Hcount %05d" % n)
os.write(1, b"\x1b[4;1Hready")
while True:
    signal.pause()
"""


def test_a_program_that_ran_long_paints_anew_when_its_screen_is_only_known_in_parts(client: Client) -> None:
    session = client.spawn([sys.executable, "-c", CURSES], rows=8, cols=40, ring_bytes=1 << 16)
    eventually(lambda: b"ready" in session.backlog(tail_bytes=100).data)
    outer = attach(session, 8, 40)
    with outer.attachment:
        assert outer.attachment.uncertain
        assert [line.text for line in outer.until("header 8x40").lines][-1] == "footer"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux as the outer terminal")
def test_the_command_shows_the_same_in_a_terminal_that_nobody_here_wrote(
    client: Client, shared: Instance, tmp_path: Path
) -> None:
    session = painter(client, 10, 50)
    paint(session, "\x1b[?1049h\x1b[2J\x1b[44;1mtop 漢字 👍\x1b[K\x1b[0m\x1b[5;5Hin the middle".encode())
    paint(session, b"\x1b[10;1H\x1b[7mbar\x1b[K")
    expected = list(shows(session, "bar").lines)
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    command = [sys.executable, "-m", "roost.cli", "attach", session.id]
    environ = {**shared.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    subprocess.run([*tmux, "-u", "new-session", "-d", "-x", "50", "-y", "10", *command], env=environ, check=True)
    try:

        def captured() -> list[str]:
            shown = subprocess.run([*tmux, "capture-pane", "-p"], env=environ, capture_output=True, check=True).stdout
            return [line.rstrip() for line in shown.decode().split("\n")[:10]]

        eventually(lambda: captured() == expected, what="tmux shows what the session shows")
    finally:
        subprocess.run([*tmux, "kill-server"], env=environ, check=True)


# --- questions --------------------------------------------------------------------------------------------------------

#: Asks what it is told, then shows what it reads, in hexadecimal.
ASKER = r"""
import os, sys, tty
tty.setraw(0)
os.write(1, b"\x1b]2;ready\x07")
while data := os.read(0, 65536):
    if data[:1] == b"?":
        os.write(1, bytes.fromhex(data[1:].decode()))
    else:
        os.write(1, b"<" + data.hex().encode() + b">")
"""


def asker(client: Client) -> Session:
    session = client.spawn([sys.executable, "-c", ASKER], rows=6, cols=200)
    eventually(lambda: session.info().title == "ready")
    return session


def ask(session: Session, question: bytes) -> None:
    session.send(b"?" + question.hex().encode())


def read_until(attachment: Attachment, text: bytes) -> bytes:
    """The output up to there, and what came with it."""
    shown = b""
    while text not in shown:
        event = attachment.recv(10)
        shown += event.data if isinstance(event, Output) else b""
    return shown


def answered(session: Session) -> bytes:
    """All that it has read."""
    data = session.backlog().data
    return b"".join(bytes.fromhex(part.partition(b">")[0].decode()) for part in data.split(b"<")[1:] if b">" in part)


def test_questions_are_answered_while_nobody_is_attached(client: Client) -> None:
    session = asker(client)
    question = b"ab\x1b[6n\x1b[c\x1b[>c\x1b[5n\x1b[?2004$p\x1b[?1049$p\x1b[>q"
    ask(session, question + b"\x1b]11;?\x07\x1b]4;1;?\x1b\\\x1b]10;?\x1b\\")
    expected = (
        b"\x1b[1;3R\x1b[?62;22c\x1b[>1;10;0c\x1b[0n\x1b[?2004;2$y\x1b[?1049;2$y",
        b"\x1b]11;rgb:0000/0000/0000\x07\x1b]4;1;rgb:cdcd/0000/0000\x1b\\\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\",
    )
    seen = eventually(lambda: data if b"]10;" in (data := answered(session)) else None)
    assert seen.startswith(expected[0]) and seen.endswith(expected[1]) and b"\x1bP>|roost(" in seen
    ask(session, b"\x1b[5n")  # nothing was answered twice, nothing is late
    assert eventually(lambda: data if len(data := answered(session)) > len(seen) else None) == seen + b"\x1b[0n"


def test_colours_that_a_program_has_set_are_told_back_also_by_the_next_daemon(instance: Instance) -> None:
    with instance.client() as client:
        session = asker(client)
        ask(session, b"\x1b]11;#102030\x07\x1b]4;3;rgb:ff/80/00\x07coloured")
        eventually(lambda: b"coloured" in session.backlog().data)
        instance.kill_daemon()
        ask(session, b"\x1b]11;?\x07\x1b]4;3;?\x07\x1b]10;?\x07")
        seen = eventually(lambda: data if b"]10;" in (data := answered(session)) else None)
    assert seen.startswith(b"\x1b]11;rgb:1010/2020/3030\x07\x1b]4;3;rgb:ffff/8080/0000\x07")


def test_questions_are_left_to_a_client_that_is_attached_and_never_replayed(client: Client) -> None:
    session = asker(client)
    with session.attach(tty=True, rows=6, cols=200) as attachment:
        ask(session, b"\x1b[c\x1b[6nasked")
        assert b"\x1b[c\x1b[6n" in read_until(attachment, b"asked")
    eventually(lambda: not session.info().attached)
    with session.attach(tty=True, rows=6, cols=200, restore="raw") as again:
        assert again.start_offset == 0
        shown = read_until(again, b"asked")
        assert b"\x1b[c" not in shown and b"\x1b[6n" not in shown
        assert len(shown) == len(session.backlog().data), "what is left out keeps its place"
    assert answered(session) == b"", "the client's terminal answers, roost does not"
    ask(session, b"\x1b[5n")
    eventually(lambda: answered(session) == b"\x1b[0n")


def test_who_starts_and_attaches_at_once_answers_what_was_asked_in_between(client: Client) -> None:
    code = (
        r"import os, tty; tty.setraw(0); os.write(1, b'\x1b[c'); os.write(1, b'<%s>' % os.read(0, 99).hex().encode())"
    )
    session = client.spawn([sys.executable, "-c", code], rows=6, cols=40)
    with session.attach(tty=True, rows=6, cols=40, restore="raw", from_offset=0) as attachment:
        read_until(attachment, b"\x1b[c")
        attachment.write(b"mine")
        read_until(attachment, b"6d696e65")


def test_viewers_answer_nothing_so_roost_does(client: Client) -> None:
    session = asker(client)
    with session.attach(mode="view", tty=True):
        ask(session, b"\x1b[5n")
        eventually(lambda: answered(session) == b"\x1b[0n")
