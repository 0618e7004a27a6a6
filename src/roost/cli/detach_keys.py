"""The keys that leave an attached session: how they are written, and how they are found among what is typed.

Owns the notation and the state machine, pure. Must not know terminals or sessions: bytes in, bytes and a verdict out.

    state     what was typed   goes to the session     next state
    idle      prefix           nothing                 armed
    idle      anything else    itself                  idle
    armed     second key       nothing                 left: the caller detaches
    armed     prefix           the prefix, once        idle
    armed     anything else    the prefix and itself   idle

Keys that consist of one key only (`ctrl-q`) leave at once; that key can then not be typed into the session.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

DEFAULT_KEYS = "ctrl-],d"
OFF = ("off", "none", "")

_NAMED = {"space": b" ", "esc": b"\x1b", "escape": b"\x1b", "enter": b"\r", "tab": b"\t", "backspace": b"\x7f"}


class DetachKeys:
    """Passes typed bytes on and finds the detach keys in them; no keys means that everything is passed on."""

    __slots__ = ("_armed", "_prefix", "_second", "text")

    def __init__(self, keys: tuple[bytes, ...] = ()) -> None:
        self._prefix = keys[0] if keys else b""
        self._second = keys[1] if len(keys) > 1 else b""
        self._armed = False
        #: How to tell a person: `Ctrl-] d`.
        self.text = " ".join(map(_show_key, keys))

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What of the typed bytes goes to the session, and whether to leave; what follows the keys is thrown away."""
        if not self._prefix or (not self._armed and self._prefix not in data):
            return data, False
        passed = bytearray()
        for position in range(len(data)):
            key = data[position : position + 1]
            if self._armed:
                if key == self._second:
                    self._armed = False
                    return bytes(passed), True
                self._armed = False
                passed += self._prefix if key == self._prefix else self._prefix + key
            elif key != self._prefix:
                passed += key
            elif not self._second:
                return bytes(passed), True
            else:
                self._armed = True
        return bytes(passed), False


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
