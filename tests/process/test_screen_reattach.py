"""Real programs, attached to again in a terminal that nobody here wrote: they look as after a redraw of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance, eventually

FILE = "/usr/share/common-licenses/GPL-3"
#: Program, what is typed, what has it paint all anew.
PROGRAMS = {
    "vim": (["vim", "-n", "-u", "NONE", "-N", "--cmd", "set number hlsearch mouse=a title | syntax on", FILE], "C-l"),
    "less": (["less", "-R", FILE], "r"),
    "mc": (["mc", "-d", "/usr/share", "/usr"], "C-l"),
}
KEYS = {"vim": "50G/license\n", "less": "  /you\n", "mc": ""}
FLAGS = (
    "#{alternate_on} #{mouse_any_flag}#{mouse_button_flag}#{mouse_sgr_flag} #{keypad_flag}#{keypad_cursor_flag} "
    "#{insert_flag}#{origin_flag}#{wrap_flag}#{cursor_flag} #{cursor_x},#{cursor_y}"
)


class Tmux:
    """The terminal in which somebody attaches."""

    def __init__(self, directory: Path, instance: Instance) -> None:
        (directory / "conf").write_text("set -g status off\n")
        self._command = ["tmux", "-u", "-S", str(directory / "tmux"), "-f", str(directory / "conf")]
        self._environ = {**instance.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "HOME": str(directory)}

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*self._command, *arguments], env=self._environ, capture_output=True, check=True)
        return done.stdout.decode()

    def open(self, rows: int, cols: int, *arguments: str) -> None:
        command = [sys.executable, "-m", "roost.cli", *arguments]
        self.run("new-session", "-d", "-s", f"s{rows}", "-x", str(cols), "-y", str(rows), *command)

    def close(self) -> None:
        self.run("kill-server")

    def shown(self, rows: int) -> tuple[list[str], str]:
        """Rows (without spaces at the end, which some programs write and others do not), modes and cursor."""
        lines = self.run("capture-pane", "-p", "-t", f"s{rows}").split("\n")[:rows]
        return [line.rstrip() for line in lines], self.run("display", "-p", "-t", f"s{rows}", FLAGS)


@pytest.fixture
def tmux(tmp_path: Path, shared: Instance) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path, shared)
    tmux.open(99, 99, "ls")  # keeps the server until all is over
    tmux.run("set", "-g", "remain-on-exit", "on")
    yield tmux
    tmux.close()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux as the outer terminal")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_looks_right_after_it_is_attached_to_again_from_another_size(
    name: str, tmux: Tmux, shared: Instance
) -> None:
    argv, redraw = PROGRAMS[name]
    if shutil.which(argv[0]) is None or not Path(FILE).exists():
        pytest.skip(f"needs {argv[0]}")
    with shared.client() as client:
        environ = {"HOME": shared.environ["XDG_STATE_HOME"], "LC_ALL": "C.UTF-8"}
        session = client.spawn(argv, rows=24, cols=80, env=environ)
        eventually(lambda: session.screen().alternate and session.screen().text.strip())
        session.send(KEYS[name])
        for rows, cols in ((30, 100), (15, 60)):
            tmux.open(rows, cols, "attach", session.id)
            eventually(lambda rows=rows: settled(tmux, session, rows), what="tmux shows what the session shows")
            painted, before = tmux.shown(rows), session.info().end_offset
            tmux.run("send-keys", "-t", f"s{rows}", redraw)
            eventually(lambda before=before: session.info().end_offset > before + 500, what="it paints all anew")
            eventually(lambda rows=rows, painted=painted: tmux.shown(rows) == painted, what="nothing changes by that")
            tmux.run("send-keys", "-t", f"s{rows}", "C-]", "d")
            eventually(lambda: not session.info().attached)
        session.terminate(grace_s=0.0)


def settled(tmux: Tmux, session, rows: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether the program has painted itself in that size and tmux shows that."""
    screen = session.screen()
    lines, _flags = tmux.shown(rows)
    return screen.rows == rows and lines == list(screen.lines) and session.screen().hash == screen.hash
