"""The keys that leave an attached session: how they are written, and how they are found among what is typed.

Owns the notation and the state machine, pure. Must not know terminals or sessions: bytes in, bytes and a verdict out.

    state     what was typed   goes to the session     next state
    idle      prefix           nothing                 armed
    idle      anything else    itself                  idle
    armed     second key       nothing                 left: the caller detaches
    armed     prefix           the prefix, once        idle
    armed     a key let go     nothing yet             armed
    armed     anything else    what was held, itself   idle

Keys that consist of one key only (`ctrl-q`) leave at once; that key can then not be typed into the session. A key
counts in whatever form the terminal sends it (`roost.cli.encoded_keys`). What is pasted, between the marks of a
bracketed paste, is no key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from roost.cli.encoded_keys import KEY, read_key

DEFAULT_KEYS = "ctrl-],d"
OFF = ("off", "none", "")

_NAMED = {"space": b" ", "esc": b"\x1b", "escape": b"\x1b", "enter": b"\r", "tab": b"\t", "backspace": b"\x7f"}


_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCE = re.compile(re.escape(_PASTE_BEGIN) + b"|" + KEY)


class DetachKeys:
    """Passes typed bytes on and finds the detach keys in them; no keys means that everything is passed on."""

    __slots__ = ("_held", "_next", "_pasting", "_prefix", "_recent", "_second", "text")

    def __init__(self, keys: tuple[bytes, ...] = ()) -> None:
        self._prefix = keys[0] if keys else b""
        self._second = keys[1] if len(keys) > 1 else b""
        self._next = re.compile(_SEQUENCE.pattern + b"|" + re.escape(self._prefix))
        #: The prefix as it was typed, and what came of it since: not empty means armed.
        self._held = b""
        self._pasting = False
        #: The last bytes of the piece before: a mark may be cut anywhere.
        self._recent = b""
        #: How to tell a person: `Ctrl-] d`.
        self.text = " ".join(map(_show_key, keys))

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What of the typed bytes goes to the session, and whether to leave; what follows the keys is thrown away."""
        if not self._prefix:
            return data, False
        if not (self._held or self._pasting or self._recent or self._prefix in data or b"\x1b" in data):
            return data, False
        passed, leave = self._take_apart(data)
        tail = (self._recent + data)[1 - len(_PASTE_BEGIN) :]
        self._recent = tail[tail.rfind(b"\x1b") :] if b"\x1b" in tail and not leave else b""
        return passed, leave

    def _take_apart(self, data: bytes) -> tuple[bytes, bool]:
        passed = bytearray()
        at = self._cut_mark(data)
        passed += data[:at]
        while at < len(data):
            if self._pasting:
                end = self._paste_end(data, at)
                passed += data[at:end]
                at = end
                continue
            found = _SEQUENCE.match(data, at) if self._held else self._next.search(data, at)
            if found is None and not self._held:
                break
            typed = found[0] if found is not None else data[at : at + 1]
            passed += data[at : found.start()] if found is not None else b""
            at = found.end() if found is not None else at + 1
            if self._press(typed, passed):
                return bytes(passed), True
        return bytes(passed + data[at:]), False

    def _press(self, typed: bytes, passed: bytearray) -> bool:
        """One key, or the mark that begins a paste: adds what goes to the session; whether to leave."""
        if typed == _PASTE_BEGIN:
            self._pasting = True
        key = read_key(typed) if len(typed) > 1 else typed
        if self._held:
            if key == b"":
                self._held += typed
                return False
            held, self._held = self._held, b""
            if key == self._second:
                return True
            passed += typed if key == self._prefix else held + typed
        elif key != self._prefix:
            passed += typed
        elif not self._second:
            return True
        else:
            self._held = typed
        return False

    def _cut_mark(self, data: bytes) -> int:
        """Where the mark ends that began in the piece before and opens a paste here; else 0."""
        if self._pasting or not self._recent:
            return 0
        missing = len(_PASTE_BEGIN) - len(self._recent)
        if missing <= 0 or self._recent + data[:missing] != _PASTE_BEGIN:
            return 0
        self._pasting = True
        return missing

    def _paste_end(self, data: bytes, at: int) -> int:
        """Where the paste ends in this piece, its mark included; the piece's end if it goes on."""
        before = self._recent if at == 0 else b""
        found = (before + data[at:]).find(_PASTE_END)
        if found < 0:
            return len(data)
        self._pasting = False
        return at + found + len(_PASTE_END) - len(before)


def parse_detach_keys(text: str) -> tuple[bytes, ...]:
    """The one or two keys in `ctrl-],d`, `^q` or `C-b d`; none for `off`. ValueError says what would do."""
    if text.strip().lower() in OFF:
        return ()
    names = text.replace(",", " ").split()
    if not 1 <= len(names) <= 2:
        raise ValueError(
            f"{text!r} is not usable as detach keys; give one or two keys, as in {DEFAULT_KEYS!r}, or 'off'"
        )
    keys = tuple(map(_parse_key, names))
    if keys[0] >= b" " and keys[0] != b"\x7f" and len(keys[0]) == 1:
        raise ValueError(
            f"detach keys {text!r} start with a key of ordinary text; start with a control key, as in ctrl-]"
        )
    if len(keys) == 2 and keys[0] == keys[1]:
        raise ValueError(
            f"detach keys {text!r} are the same key twice, which sends the key itself; choose another second"
        )
    return keys


def usual_keys(environ: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """The keys of ROOST_DETACH_KEYS, else the default ones. ValueError as `parse_detach_keys`."""
    return parse_detach_keys(environ.get("ROOST_DETACH_KEYS", DEFAULT_KEYS))


def _parse_key(name: str) -> bytes:
    lowered = name.lower()
    if lowered in _NAMED:
        return _NAMED[lowered]
    for prefix in ("ctrl-", "ctrl+", "c-", "^"):
        if lowered.startswith(prefix) and len(lowered) == len(prefix) + 1:
            return _control(name, lowered[-1].upper())
    if len(name) == 1 and " " < name <= "~":
        return name.encode()
    raise ValueError(f"{name!r} is no key; write for example ctrl-], ^q, C-b or d")


def _control(name: str, letter: str) -> bytes:
    if letter == "?":
        return b"\x7f"
    if not "@" <= letter <= "_":
        raise ValueError(f"{name!r} is no control key; Ctrl goes with letters and @ [ \\ ] ^ _")
    return bytes([ord(letter) & 0x1F])


def _show_key(key: bytes) -> str:
    for name, value in _NAMED.items():
        if key == value:
            return name.capitalize()
    if key < b" ":
        letter = chr(key[0] | 0x40)
        return f"Ctrl-{letter}"
    return key.decode()
