"""Keys of a person who watches a recording, told from what the terminal answers to queries in the recording.

Owns the reading of the terminal's input while a recording is played.
"""

from __future__ import annotations

import os
import re
import select

#: What a key's bytes mean to the player.
KEYS = {
    b" ": "pause",
    b"q": "quit",
    b"\x03": "quit",
    b"\x04": "quit",
    b"\x1b[C": "forward",
    b"\x1bOC": "forward",
    b"\x1b[D": "back",
    b"\x1bOD": "back",
    b".": "step",
    b"]": "marker",
}
#: A whole control string (DCS, OSC, PM, APC, SOS), a control sequence, an SS3 key, another escape, or one character.
_TOKEN = re.compile(
    rb"\x1b[PX^_\]].*?(?:\x1b\\|\x07)|\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[ -~]|\x1b[ -~](?<![PX^_\]\[O])|[^\x1b]", re.DOTALL
)
#: What an unfinished sequence may have at most; more is thrown away.
_MOST_BYTES = 4096


class TerminalKeys:
    """Reads keys from a terminal that is in raw mode."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""

    def wait(self, timeout_s: float | None) -> list[str]:
        """The keys that were pressed, as soon as there are some or the time is over; a hang-up is `quit`."""
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return []
        data = os.read(self._fd, 4096)
        if not data:
            return ["quit"]
        found, self._rest = key_names(self._rest + data)
        return found


def key_names(data: bytes) -> tuple[list[str], bytes]:
    """The keys in what a terminal sent, and the beginning of a sequence whose end has not come."""
    names = []
    at = 0
    while (token := _TOKEN.match(data, at)) is not None:
        at = token.end()
        if token[0] in KEYS:
            names.append(KEYS[token[0]])
    rest = data[at:]
    return names, rest if len(rest) < _MOST_BYTES else b""
