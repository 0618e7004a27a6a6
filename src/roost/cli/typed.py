"""What is said about a text before it is sent to a session. The rule itself is `roost.core.paste`'s.

Light: `roost send` imports it on its fast path.
"""

from __future__ import annotations

from roost.core.paste import typed_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def told_text(data: bytes, *, raw: bool, say: Callable[[str], None]) -> bytes:
    """What to send: every byte with `raw`, else safe text; what was left out is said."""
    if raw:
        return data
    clean, left_out = typed_text(data)
    if left_out:
        noun = "control character" if left_out == 1 else "control characters"
        say(f"{left_out} {noun} left out of the text; --raw sends every byte")
    return clean
