"""What a text needs before it is typed into a session.

Owns the rule, pure and light: `roost send` imports it on its fast path.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Everything below a blank but tab, line feed and carriage return; and DEL.
_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13)) + b"\x7f"


def typed_text(data: bytes) -> tuple[bytes, int]:
    """Text that is safe to type, and how many control characters were left out of it.

    Escape sequences in text (a paste terminator, above all) would be keys to the program that reads them.
    """
    clean = data.translate(None, _CONTROLS)
    left_out = len(data) - len(clean)
    if b"\xc2" in clean:  # C1 controls in UTF-8
        import re  # rarely needed, and dear beside the rest of a send

        clean, count = re.subn(rb"\xc2[\x80-\x9f]", b"", clean)
        left_out += count
    return clean, left_out


def told_text(data: bytes, *, raw: bool, say: Callable[[str], None]) -> bytes:
    """What to send: every byte with `raw`, else safe text; what was left out is said."""
    if raw:
        return data
    clean, left_out = typed_text(data)
    if left_out:
        noun = "control character" if left_out == 1 else "control characters"
        say(f"{left_out} {noun} left out of the text; --raw sends every byte")
    return clean
