"""A screen as PNG; the scrollback that was taken stands above it. Needs Pillow, the extra `picture`."""

from __future__ import annotations

from roost.screen.pictures.pixels import png
from roost.screen.snapshot import Snapshot, unrolled


def render(snapshot: Snapshot) -> bytes:
    """The picture. Raises UnavailableError without Pillow."""
    return png(unrolled(snapshot))
