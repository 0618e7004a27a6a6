"""Text that is typed or pasted into a program: what is left out of it, and the brackets around a paste.

Owns the rule, pure and light: `roost send` imports it on its fast path, the daemon applies it to every paste.
"""

from __future__ import annotations

#: What a program is sent before and after a paste, once it has asked for that (mode 2004).
PASTE_BEGIN, PASTE_END = b"\x1b[200~", b"\x1b[201~"

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
