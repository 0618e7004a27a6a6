"""The forms in which a screen is shown: each a pure function of a snapshot."""

from __future__ import annotations

from importlib import import_module

from roost.errors import InvalidError
from roost.screen.snapshot import Snapshot

#: Form → its media type. The module of that name has `render(snapshot) -> bytes`.
FORMATS = {
    "text": "text/plain; charset=utf-8",
    "ansi": "text/plain; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


def check_format(name: str) -> str:
    """The name, unchanged. Raises InvalidError for one there is not."""
    if name not in FORMATS:
        raise InvalidError(f"there is no form {name!r} of a screen; there are {', '.join(FORMATS)}")
    return name


def render(snapshot: Snapshot, name: str) -> bytes:
    """The screen in that form. Raises InvalidError; UnavailableError when what it needs is not installed."""
    module = import_module(f"roost.screen.formats.{check_format(name)}_form")
    return bytes(module.render(snapshot))
