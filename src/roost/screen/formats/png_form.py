"""A screen as pixels: see `roost.screen.pictures.pixels`."""

from __future__ import annotations

from roost.screen.pictures.pixels import png
from roost.screen.snapshot import Snapshot


def render(snapshot: Snapshot) -> bytes:
    """The PNG, in the dark theme."""
    return png(snapshot)
