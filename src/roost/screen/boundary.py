"""Where emulation can begin in the midst of output, so that no sequence is cut in two. Pure."""

from __future__ import annotations

#: How far a beginning is looked for.
LOOK_BYTES = 8192


def boundary(data: bytes) -> int:
    """The first place in output cut out anywhere that is behind a line feed or at an ESC; 0 if there is none near."""
    near = data[:LOOK_BYTES]
    return min((at for at in (near.find(b"\n") + 1 or -1, near.find(b"\x1b")) if at >= 0), default=0)
