"""Which escape sequences matter to the scanner: the expressions that find them and how their parameters are read.

Owns the syntax; the scanner owns the meaning. One rule makes it fast and simple: as in the parser of the VT500 (and of
xterm, foot, VTE, alacritty), an ESC ends whatever was under way. So no sequence has an ESC inside, a search for ESC
finds every beginning, and what an expression does not want is skipped without any bookkeeping. The one exception is
tmux's pass-through string, in which each ESC of the content is doubled: see PASSTHROUGH.

8-bit C1 controls are not looked for: in UTF-8 those bytes are halves of letters.
"""

from __future__ import annotations

import re
from functools import lru_cache

ESC = b"\x1b"
#: Longest OSC or DCS that is looked at, in bytes; longer ones are skipped whole.
MAX_STRING_BYTES = 1024
_MAX_PARAMETERS = 128
_STRING = rb"[^\x07\x18\x1a\x1b]{0,%d}+" % MAX_STRING_BYTES
_PARAMETERS = rb"[0-9;:]{0,%d}+" % _MAX_PARAMETERS

# Finals of plain CSI: c DA1, h and l modes, n DSR, r margins, t titles and sizes, SP q cursor shape, $p DECRQM.
# Colours and cursor movement, nearly all of what programs write, are sent on by the first line (twice as fast as to let
# them fail at their final); none of it reaches Python.
_WANTED = (
    rb"\x1b(?!\[[0-9;:]*[@-Zdm])("
    rb"\[(?:[<=>?]" + _PARAMETERS + rb"[ -/]{0,2}+[@-~]|" + _PARAMETERS + rb"(?:[chlnrt]|\x20q|\$p)|!p)"
    rb"|\](?:(?:[012747]|1[012]|52|104|133|633);" + _STRING + rb"|104|11[012];?)(?=\x07|\x1b\\)"
    rb"|P[+$]q" + _STRING + rb"(?=\x1b\\)"
    rb"|[c=>Zno]"
    rb"|[()*+][ -/]?[0-~]"
    rb"|%[@G8]"
    rb")"
)
#: Finds what matters; group 1 is the sequence without ESC and terminator.
WANTED = re.compile(_WANTED)
#: The same, and the two control characters that switch charsets (group 1 is empty then).
WANTED_OR_SHIFT = re.compile(_WANTED + rb"|\x0e|\x0f")

#: From an ESC on: a sequence whose end is still to come.
_UNFINISHED = re.compile(
    rb"\x1b(?:"
    rb"\[(?:[<=>?]?" + _PARAMETERS + rb"[ -/]{0,2}+)"
    rb"|\][^\x07\x18\x1a\x1b]{0,%d}+"
    % (MAX_STRING_BYTES + 8)
    + rb"|P[^\x18\x1a\x1b]{0,%d}+" % (MAX_STRING_BYTES + 8)
    + rb"|[()*+][ -/]?"
    rb"|%"
    rb")?"
)
#: Longest beginning of a sequence that is kept from one chunk to the next.
MAX_UNFINISHED_BYTES = MAX_STRING_BYTES + 16

#: Opens tmux's pass-through, which lasts until an ESC \ whose ESC is not itself behind an ESC.
PASSTHROUGH = b"\x1bPtmux;"
ESCAPED = re.compile(rb"\x1b([\s\S])")

#: A colour or attribute being switched on.
COLOURED = re.compile(rb"\x1b\[[0;:]{0,63}+[1-9][0-9;:]{0,63}+m")
#: What switches all of them off, as nearly everybody writes it.
UNCOLOURED = (b"\x1b[m", b"\x1b[0m")


def unfinished_from(data: bytes) -> int:
    """Where the sequence begins whose end is still to come; the length of the data when there is none."""
    last = data.rfind(ESC)
    if last < 0:
        return len(data)
    if last == len(data) - 1:  # perhaps the first half of a string's terminator
        opened = data.rfind(ESC, 0, last)
        if opened >= 0 and data[opened + 1] in b"]P" and _UNFINISHED.fullmatch(data, opened, last):
            return opened
        return last
    return last if _UNFINISHED.fullmatch(data, last) else len(data)


@lru_cache(maxsize=1024)
def read_csi(body: bytes) -> tuple[bytes, tuple[int, ...]]:
    """A control sequence without its parameters, as `[?h`, and the parameters; absent ones are 0."""
    key = body.translate(None, b"0123456789;:")
    digits = body.translate(None, key)
    return key, tuple(min(int(part or b"0"), 65535) for part in digits.replace(b":", b";").split(b";"))
