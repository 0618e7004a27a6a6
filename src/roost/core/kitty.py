"""The stack of keyboard flags of one screen. Source: the kitty keyboard protocol.

Owns the arithmetic of push, pop and set. The bottom of the stack are the flags that were there before any push.
"""

from __future__ import annotations

#: Terminals keep a bounded stack and drop its oldest entry.
MAX_DEPTH = 16
_ALL, _ADD, _REMOVE = 1, 2, 3


class KittyKeys:
    """One stack: `flags` from the bottom to the top, `pushed_at` with the offset at which each was set."""

    __slots__ = ("flags", "pushed_at")

    def __init__(self) -> None:
        self.flags = [0]
        self.pushed_at = [0]

    @property
    def fresh(self) -> bool:
        """Whether nothing is pushed and no flag is set."""
        return self.flags == [0]

    def push(self, flags: int, offset: int = 0) -> None:
        """CSI > flags u."""
        self.flags.append(flags & 0xFF)
        self.pushed_at.append(offset)
        if len(self.flags) > MAX_DEPTH:
            del self.flags[1], self.pushed_at[1]

    def pop(self, count: int) -> None:
        """CSI < count u. A pop that empties the stack clears all flags."""
        keep = len(self.flags) - max(1, count)
        if keep < 1:
            self.flags, self.pushed_at = [0], [0]
        else:
            del self.flags[keep:], self.pushed_at[keep:]

    def set(self, flags: int, how: int) -> None:
        """CSI = flags ; how u: 1 replaces the flags in force, 2 adds to them, 3 removes from them."""
        flags &= 0xFF
        if how == _ADD:
            flags |= self.flags[-1]
        elif how == _REMOVE:
            flags = self.flags[-1] & ~flags
        elif how != _ALL:
            return
        self.flags[-1] = flags

    def undo(self) -> bytes:
        """What takes the stack back to fresh."""
        pushed = len(self.flags) - 1
        popped = b"\x1b[<%du" % pushed if pushed else b""
        return popped + (b"\x1b[=0u" if self.flags[0] else b"")

    def repeat(self, before: int | None = None) -> bytes:
        """What brings a fresh stack here, without the pushes at or after the offset `before`."""
        bottom = b"\x1b[=%du" % self.flags[0] if self.flags[0] else b""
        pushes = zip(self.flags[1:], self.pushed_at[1:], strict=True)
        return bottom + b"".join(b"\x1b[>%du" % flags for flags, at in pushes if before is None or at < before)
