"""Key names: the one grammar for them, and the bytes a terminal sends for each, in the modes the program has set.

Owns parsing and encoding; pure. A key is a name (`Enter`, `F6`, `PageUp`) or one character, with any number of
modifiers before it (`C-c`, `M-x`, `S-F6`, `C-M-Left`, `ctrl+shift+x`), `^c` for `C-c`, or `hex:1b5b41` for bytes.

With Ctrl the case of a letter does not count (`C-C` is `C-c`, as it is mostly meant); `C-S-c` has Shift in it. A key
that the modes in force cannot express is sent as the nearest that they can, as a terminal does, and marked inexact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from roost.core.key_names import (
    ALT,
    BY_LOWER_NAME,
    CHARACTERS,
    CONTROL_CODES,
    CONTROL_OF,
    CTRL,
    CURSOR_FINALS,
    KEYPAD,
    KITTY_CODES,
    MENU_NUMBER,
    MODIFIERS,
    NAMES,
    PF_FINALS,
    SHIFT,
    SUPER,
    TILDE_NUMBERS,
    UNSHIFTED,
)
from roost.core.modes import TerminalModes
from roost.errors import InvalidError

MAX_HEX_BYTES = 1024
_DISAMBIGUATE, _ALTERNATES, _ALL_AS_ESCAPES, _TEXT = 1, 4, 8, 16


class Key(NamedTuple):
    """One key. name: of a named key, else "". character: of any other. raw: bytes given as they are."""

    name: str = ""
    character: str = ""
    modifiers: int = 0
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class KeyModes:
    """What of a terminal's modes decides about keys.

    cursor: mode 1. keypad: application keypad. newline: Enter sends CR LF. modify: modifyOtherKeys, 0 to 3.
    kitty: the kitty keyboard flags in force.
    """

    cursor: bool = False
    keypad: bool = False
    newline: bool = False
    modify: int = 0
    kitty: int = 0

    @classmethod
    def of(cls, modes: TerminalModes) -> KeyModes:
        """Those of a terminal."""
        return cls(
            cursor=bool(modes.is_set(1)),
            keypad=bool(modes.is_set(66)),
            newline=bool(modes.is_set(-20)),
            modify=modes.modify_keys,
            kitty=modes.kitty_keys.flags[-1],
        )


class Encoded(NamedTuple):
    """The bytes of a key; not `exact` when the program cannot tell it from another."""

    data: bytes
    exact: bool = True


# --- the grammar ------------------------------------------------------------------------------------------------------


def parse_key(text: str) -> Key:
    """The key of that name. Raises InvalidError, with the nearest name if there is one."""
    if text.lower().startswith("hex:"):
        return Key(raw=_hex(text))
    if len(text) == 2 and text[0] == "^":
        return _character_key(text[1], CTRL)
    modifiers, rest = _split(text)
    if len(rest) == 1 and rest.isprintable():
        return _character_key(rest, modifiers)
    lowered = rest.lower()
    if lowered in CHARACTERS:
        return Key(character=CHARACTERS[lowered], modifiers=modifiers)
    if lowered in ("btab", "backtab"):
        return Key("Tab", modifiers=modifiers | SHIFT)
    name = BY_LOWER_NAME.get(lowered)
    if name is None:
        raise InvalidError(f"there is no key {text!r}{_suggestion(text, rest)}")
    return Key(name, modifiers=modifiers)


def is_key(text: str) -> bool:
    """Whether that is the name of a key."""
    try:
        parse_key(text)
    except InvalidError:
        return False
    return True


def _hex(text: str) -> bytes:
    try:
        data = bytes.fromhex(text[4:])
    except ValueError:
        data = b""
    if not 1 <= len(data) <= MAX_HEX_BYTES:
        raise InvalidError(f"{text[:40]!r} gives no bytes; write pairs of hexadecimal digits, for example hex:1b5b41")
    return data


def _split(text: str) -> tuple[int, str]:
    """The modifiers before a key, and what is left of the text."""
    modifiers, rest = 0, text
    while True:
        ends = [at for at in (rest.find("-", 1), rest.find("+", 1)) if 0 < at < len(rest) - 1]
        word = rest[: min(ends)].lower() if ends else ""
        if word not in MODIFIERS:
            return modifiers, rest
        modifiers |= MODIFIERS[word]
        rest = rest[len(word) + 1 :]


def _character_key(character: str, modifiers: int) -> Key:
    if modifiers & CTRL and character.isascii():
        character = character.lower()
    if modifiers & SHIFT and not modifiers & CTRL and character.upper() != character and len(character.upper()) == 1:
        character = character.upper()
    return Key(character=character, modifiers=modifiers)


def _suggestion(text: str, rest: str) -> str:
    from difflib import get_close_matches  # here, since mistakes are rare

    close = get_close_matches(rest.lower(), [*BY_LOWER_NAME, *CHARACTERS, "btab"], n=1, cutoff=0.6)
    if not close:
        return "; keys are single characters and names such as Enter, C-c, M-x, S-F6, Up, PageDown or hex:1b5b41"
    name = BY_LOWER_NAME.get(close[0]) or next((n for n in NAMES if n.lower() == close[0]), close[0])
    return f"; did you mean {text[: len(text) - len(rest)]}{name}?"


# --- what is sent -----------------------------------------------------------------------------------------------------


def encode_key(key: Key, modes: KeyModes) -> Encoded:
    """What a terminal in these modes sends for a key."""
    if key.raw:
        return Encoded(key.raw)
    if modes.kitty & (_DISAMBIGUATE | _ALL_AS_ESCAPES):
        return _kitty(key, modes.kitty)
    return _named(key, modes) if key.name else _character(key, modes)


def encode_keys(keys: Iterable[Key], modes: KeyModes) -> tuple[bytes, list[Key]]:
    """What is sent for keys one after another, and those of them that are not exact."""
    data, inexact = [], []
    for key in keys:
        encoded = encode_key(key, modes)
        data.append(encoded.data)
        if not encoded.exact:
            inexact.append(key)
    return b"".join(data), inexact


def typed_keys(text: str) -> list[Key]:
    """The keys that type a text: line ends are Enter. Raises InvalidError for control characters."""
    keys = []
    for character in text.replace("\r\n", "\n"):
        if character in "\r\n":
            keys.append(Key("Enter"))
        elif character == "\t":
            keys.append(Key("Tab"))
        elif ord(character) < 32 or 127 <= ord(character) < 160:
            raise InvalidError(f"the text has the control character {character!r} in it; give it as a key, as in C-c")
        else:
            keys.append(Key(character=character))
    return keys


def _named(key: Key, modes: KeyModes) -> Encoded:
    name, modifiers = key.name, key.modifiers & ~SUPER
    exact = modifiers == key.modifiers
    if name in CURSOR_FINALS:
        ss3 = modes.cursor and not modifiers
        return Encoded(b"\x1bO" + CURSOR_FINALS[name] if ss3 else _letter(CURSOR_FINALS[name], modifiers), exact)
    if name in PF_FINALS:
        return Encoded(_letter(PF_FINALS[name], modifiers) if modifiers else b"\x1bO" + PF_FINALS[name], exact)
    if name in TILDE_NUMBERS or name == "Menu":
        return Encoded(_tilde(TILDE_NUMBERS.get(name, MENU_NUMBER), modifiers), exact)
    if name in KEYPAD:
        plain, final, _code = KEYPAD[name]
        if modes.keypad and not modifiers:
            return Encoded(b"\x1bO" + final, exact)
        ordinary = Key("Enter", modifiers=modifiers) if name == "KPEnter" else Key("", plain.decode(), modifiers)
        encoded = encode_key(ordinary, modes)
        return Encoded(encoded.data, encoded.exact and exact)
    return _control_key(name, modifiers, modes, exact=exact)


def _control_key(name: str, modifiers: int, modes: KeyModes, *, exact: bool) -> Encoded:
    """Enter, Tab, Backspace and Escape: modified they are sent with Alt's ESC at most, unless the program asked."""
    code = CONTROL_CODES[name]
    if name == "Tab" and modifiers == SHIFT:
        return Encoded(b"\x1b[Z", exact)
    prefix = b"\x1b" if modifiers & ALT else b""
    if name == "Backspace" and modifiers & ~ALT == CTRL:
        return Encoded(prefix + b"\b", exact)
    if modes.modify and modifiers and (modes.modify > 1 or name in ("Enter", "Tab")):
        return Encoded(_other_key(modifiers, code), exact)
    data = b"\r\n" if name == "Enter" and modes.newline else bytes([code])
    return Encoded(prefix + data, exact and not modifiers & ~ALT)


def _character(key: Key, modes: KeyModes) -> Encoded:
    character, modifiers = key.character, key.modifiers & ~SUPER
    exact = modifiers == key.modifiers
    if modifiers & (CTRL | ALT) and modes.modify > 1:
        return Encoded(_other_key(modifiers, ord(_shifted(character, modifiers))), exact)
    prefix = b"\x1b" if modifiers & ALT else b""
    if not modifiers & CTRL:
        shift_is_lost = bool(modifiers & SHIFT) and character.upper() == character.lower()
        return Encoded(prefix + character.encode(), exact and not shift_is_lost)
    control = _control_character(character)
    if control is None and modes.modify:
        return Encoded(_other_key(modifiers, ord(character)), exact)
    if control is None:
        return Encoded(prefix + character.encode(), False)
    return Encoded(prefix + bytes([control]), exact and not modifiers & SHIFT)


def _control_character(character: str) -> int | None:
    if "a" <= character <= "z":
        return ord(character) & 0x1F
    return CONTROL_OF.get(character)


def _shifted(character: str, modifiers: int) -> str:
    upper = character.upper()
    return upper if modifiers & SHIFT and len(upper) == 1 else character


def _letter(final: bytes, modifiers: int) -> bytes:
    return b"\x1b[1;%d%s" % (modifiers + 1, final) if modifiers else b"\x1b[" + final


def _tilde(number: int, modifiers: int) -> bytes:
    return b"\x1b[%d;%d~" % (number, modifiers + 1) if modifiers else b"\x1b[%d~" % number


def _other_key(modifiers: int, code: int) -> bytes:
    return b"\x1b[27;%d;%d~" % (modifiers + 1, code)


# --- the kitty keyboard protocol --------------------------------------------------------------------------------------


def _kitty(key: Key, flags: int) -> Encoded:
    """Presses only: a program that asked for releases is told of none."""
    name, modifiers = key.name, key.modifiers
    if name in CURSOR_FINALS:
        return Encoded(_letter(CURSOR_FINALS[name], modifiers))
    if name in PF_FINALS and name != "F3":  # its sequence would look like a report of the cursor's position
        return Encoded(_letter(PF_FINALS[name], modifiers))
    if name in KITTY_CODES:
        return Encoded(_code_u(b"%d" % KITTY_CODES[name], modifiers, ""))
    if name == "F3" or name in TILDE_NUMBERS:
        return Encoded(_tilde(TILDE_NUMBERS.get(name, 13), modifiers))
    if name in KEYPAD:
        plain, _final, code = KEYPAD[name]
        text = "" if modifiers or name == "KPEnter" else plain.decode()
        return Encoded(_code_u(b"%d" % code, modifiers, text if flags & _TEXT and flags & _ALL_AS_ESCAPES else ""))
    if name:
        code = CONTROL_CODES[name]
        plain_byte = not modifiers and name != "Escape" and not flags & _ALL_AS_ESCAPES
        return Encoded(bytes([code]) if plain_byte else _code_u(b"%d" % code, modifiers, ""))
    return _kitty_character(key.character, modifiers, flags)


def _kitty_character(character: str, modifiers: int, flags: int) -> Encoded:
    shown = _shifted(character, modifiers)
    if not modifiers & ~SHIFT and not flags & _ALL_AS_ESCAPES:
        return Encoded(shown.encode(), not modifiers or shown != shown.lower())
    base = UNSHIFTED.get(shown) or (shown.lower() if len(shown.lower()) == 1 else shown)
    if base != shown:
        modifiers |= SHIFT
    code = b"%d" % ord(base)
    if flags & _ALTERNATES and base != shown:
        code += b":%d" % ord(shown)
    has_text = flags & _TEXT and flags & _ALL_AS_ESCAPES and not modifiers & ~SHIFT
    return Encoded(_code_u(code, modifiers, shown if has_text else ""))


def _code_u(code: bytes, modifiers: int, text: str) -> bytes:
    if text:
        shown = b"%d" % (modifiers + 1) if modifiers else b""
        return b"\x1b[%s;%s;%su" % (code, shown, b":".join(b"%d" % ord(character) for character in text))
    return b"\x1b[%s;%du" % (code, modifiers + 1) if modifiers else b"\x1b[%su" % code
