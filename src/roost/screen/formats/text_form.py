"""A screen as text: a line for each row, without spaces at the end; empty rows at the bottom are left out."""

from __future__ import annotations

from roost.screen.snapshot import Snapshot, text_lines


def render(snapshot: Snapshot) -> bytes:
    """The scrollback as far as it was taken, then the screen."""
    text = "\n".join(text_lines(snapshot)).rstrip("\n")
    return (text + "\n").encode() if text else b""
