"""A screen as vector graphics: see `roost.screen.pictures.vector`."""

from __future__ import annotations

from roost.screen.pictures.vector import still
from roost.screen.snapshot import Snapshot


def render(snapshot: Snapshot) -> bytes:
    """The SVG, in the dark theme."""
    return still(snapshot).encode("utf-8", "replace")
