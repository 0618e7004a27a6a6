"""A screen as SVG; the scrollback that was taken stands above it."""

from __future__ import annotations

from roost.screen.pictures.vector import still
from roost.screen.snapshot import Snapshot, unrolled


def render(snapshot: Snapshot) -> bytes:
    """The picture."""
    return still(unrolled(snapshot)).encode(errors="replace")
