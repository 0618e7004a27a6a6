"""The title that a terminal had is there again when a client leaves it, whatever the session's program did to it."""

from __future__ import annotations

import re

import pytest

from roost.cli.terminal import Screen

_SEQUENCE = re.compile(rb"\x1b\]2;([^\x07]*)\x07|\x1b\[2([23])(?:;([012]?)[0-9;]*)?t")


class Stack:
    """A terminal's window title and its stack: one for both kinds of title (xterm) or one a kind (others)."""

    def __init__(self, *, one_for_both: bool) -> None:
        self.title = b"user"
        self.one_for_both = one_for_both
        self.entries: list[tuple[bytes, bytes]] = [(b"0", b"below")]

    def feed(self, data: bytes) -> None:
        for found in _SEQUENCE.finditer(data):
            kind = found[3] or b"0"
            if found[1] is not None:
                self.title = found[1]
            elif kind != b"1" or self.one_for_both:
                self._save(kind) if found[2] == b"2" else self._take_back()

    def _save(self, kind: bytes) -> None:
        self.entries.append((kind, self.title))

    def _take_back(self) -> None:
        if self.entries:
            kind, title = self.entries.pop()
            self.title = self.title if kind == b"1" else title


VIM_BEGINS = b"\x1b[?1049h\x1b[22;0;0t\x1b[22;2t\x1b[22;1t\x1b]2;vim\x07"
VIM_ENDS = b"\x1b[23;2t\x1b[23;1t\x1b[?1049l\x1b[23;0;0t"


@pytest.mark.parametrize("one_for_both", [True, False])
@pytest.mark.parametrize(
    "output",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"\x1b]2;inner\x07"], id="a title"),
        pytest.param([VIM_BEGINS], id="left while an editor runs"),
        pytest.param([VIM_BEGINS, VIM_ENDS, b"\x1b]2;inner\x07"], id="an editor from begin to end"),
        pytest.param([VIM_ENDS, b"\x1b]2;inner\x07"], id="an editor that was there before"),
        pytest.param([VIM_ENDS, VIM_BEGINS], id="one before, one left"),
        pytest.param([b"\x1b[22t\x1b]2;one\x07\x1b[22;2t\x1b]2;two\x07\x1b[23t"], id="without a kind"),
    ],
)
def test_the_title_is_put_back(output: list[bytes], one_for_both: bool) -> None:
    """Afterwards the terminal has its own title, and what lay on its stack before."""
    terminal, screen = Stack(one_for_both=one_for_both), Screen()
    terminal.feed(screen.titles.save("xterm-256color"))
    for chunk in output:
        terminal.feed(chunk)
        screen.note(chunk)
    terminal.feed(screen.titles.put_back())
    assert terminal.title == b"user"
    assert terminal.entries[0] == (b"0", b"below")


@pytest.mark.parametrize("term", ["dumb", "linux", ""])
def test_a_terminal_without_titles_is_sent_nothing(term: str) -> None:
    """It would print the sequence, or have nothing to put back."""
    screen = Screen()
    assert screen.titles.save(term) == b""
    screen.note(VIM_BEGINS)
    assert screen.titles.put_back() == b""


def test_more_taken_back_than_was_saved_leaves_what_lay_below() -> None:
    """A program that takes off all of ours has shown the title by that; nothing more is taken from the stack."""
    screen = Screen()
    screen.titles.save("xterm")
    screen.note(b"\x1b[23;0t" * 9)
    assert screen.titles.put_back() == b""


def test_a_program_that_saves_without_end_costs_no_memory_and_no_flood_at_the_end() -> None:
    """No terminal holds so many; what is sent behind them is as long as the deepest stack, and still ends with ours."""
    screen = Screen()
    screen.titles.save("xterm")
    screen.note(b"\x1b[22;0t" * 100_000)
    back = screen.titles.put_back()
    assert len(back) < 300 and back.endswith(b"\x1b[23;0t" * 4)
