"""How far a sink got, in a small file beside the webhooks' queues: for when the sink's own place says nothing of it.

Owns that file. It may be older than the truth, never newer: what follows from it is a repeat, not a loss.
"""

from __future__ import annotations

import contextlib
import os

from roost.core.events import parse_event_id
from roost.errors import InvalidError

Key = tuple[int, int]


class Mark:
    """The file. Blocks; one that cannot be used is as good as none."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> Key | None:
        """The key that was written last."""
        with contextlib.suppress(OSError, ValueError, InvalidError), open(self._path, encoding="ascii") as file:
            return parse_event_id(file.read(64).strip())
        return None

    def write(self, key: Key) -> None:
        """Replace it, so that there is never half a key."""
        fresh = f"{self._path}.new"
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            with open(fresh, "w", encoding="ascii") as file:
                file.write("{}.{}\n".format(*key))
            os.replace(fresh, self._path)
