"""A file that cannot be written for now: why, and when it is tried again.

Owns the pauses; pure.
"""

from __future__ import annotations

#: How long the file is left alone at first; twice as long each time.
RETRY_S = 1.0
RETRY_MOST_S = 60.0


class WriteTrouble:
    """`error` is why it cannot be written, "" while all is well."""

    def __init__(self) -> None:
        self.error = ""
        self._pause_s = RETRY_S

    def begins(self, error: str) -> bool:
        """Writing failed; whether it had worked before."""
        began, self.error = not self.error, error
        return began

    def next_pause_s(self) -> float:
        """How long to wait before the next attempt."""
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, RETRY_MOST_S)
        return pause_s

    def over(self) -> None:
        """Writing works again."""
        self.error, self._pause_s = "", RETRY_S
