"""What keys are called, and what terminals send for them: the tables behind `keys`.

Owns names and codes; pure data. Sources: xterm's ctlseqs ("PC-Style Function Keys", "VT220-Style Function Keys",
"Numeric Keypad"), the kitty keyboard protocol ("Functional key definitions").
"""

from __future__ import annotations

#: Keys whose sequence ends in a letter: cursor keys follow mode 1, F1 to F4 always have the SS3 form unmodified.
CURSOR_FINALS = {"Up": b"A", "Down": b"B", "Right": b"C", "Left": b"D", "Begin": b"E", "End": b"F", "Home": b"H"}
PF_FINALS = {"F1": b"P", "F2": b"Q", "F3": b"R", "F4": b"S"}
#: Keys whose sequence is a number and a tilde.
TILDE_NUMBERS = {
    "Insert": 2,
    "Delete": 3,
    "PageUp": 5,
    "PageDown": 6,
    **{f"F{5 + n}": code for n, code in enumerate((15, *range(17, 22), 23, 24, 25, 26, 28, 29, *range(31, 35)))},
}
#: Keys that are a control character, and the code that both extended protocols give them.
CONTROL_CODES = {"Enter": 13, "Tab": 9, "Backspace": 127, "Escape": 27}
#: Keypad: what it sends ordinarily, the final after SS3 in application mode, its code in the kitty protocol.
KEYPAD = {
    **{f"KP{n}": (b"%d" % n, b"pqrstuvwxy"[n : n + 1], 57399 + n) for n in range(10)},
    "KPDecimal": (b".", b"n", 57409),
    "KPDivide": (b"/", b"o", 57410),
    "KPMultiply": (b"*", b"j", 57411),
    "KPMinus": (b"-", b"m", 57412),
    "KPPlus": (b"+", b"k", 57413),
    "KPEnter": (b"\r", b"M", 57414),
    "KPEqual": (b"=", b"X", 57415),
    "KPSeparator": (b",", b"l", 57416),
}
#: Numbers above F12 and Menu have codes of their own in the kitty protocol.
KITTY_CODES = {**{f"F{n}": 57363 + n for n in range(13, 21)}, "Menu": 57363}
MENU_NUMBER = 29

#: What else keys are called, in lower case. Names themselves are read without regard to case, too.
ALIASES = {
    "return": "Enter",
    "cr": "Enter",
    "esc": "Escape",
    "bs": "Backspace",
    "bspace": "Backspace",
    "del": "Delete",
    "dc": "Delete",
    "ins": "Insert",
    "ic": "Insert",
    "pgup": "PageUp",
    "ppage": "PageUp",
    "prior": "PageUp",
    "pgdn": "PageDown",
    "pgdown": "PageDown",
    "npage": "PageDown",
    "next": "PageDown",
    "arrowup": "Up",
    "arrowdown": "Down",
    "arrowleft": "Left",
    "arrowright": "Right",
    "kpadd": "KPPlus",
    "kpsubtract": "KPMinus",
    "kpperiod": "KPDecimal",
    "kp.": "KPDecimal",
    "kp/": "KPDivide",
    "kp*": "KPMultiply",
    "kp-": "KPMinus",
    "kp+": "KPPlus",
    "kp=": "KPEqual",
    "apps": "Menu",
}
#: Names that stand for a character.
CHARACTERS = {"space": " ", "spc": " ", "plus": "+", "minus": "-", "comma": ",", "semicolon": ";", "backslash": "\\"}

#: Every key that has a name, as it is shown.
NAMES = (
    *CONTROL_CODES,
    "Space",
    "BTab",
    *("Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown", "Insert", "Delete", "Begin", "Menu"),
    *(f"F{n}" for n in range(1, 21)),
    *KEYPAD,
    *("Plus", "Minus", "Comma", "Semicolon", "Backslash"),
)
BY_LOWER_NAME = {name.lower(): name for name in NAMES if name.lower() not in CHARACTERS} | ALIASES

SHIFT, ALT, CTRL, SUPER = 1, 2, 4, 8
MODIFIERS = {
    "c": CTRL,
    "ctrl": CTRL,
    "control": CTRL,
    "m": ALT,
    "meta": ALT,
    "a": ALT,
    "alt": ALT,
    "option": ALT,
    "opt": ALT,
    "s": SHIFT,
    "shift": SHIFT,
    "super": SUPER,
    "cmd": SUPER,
    "command": SUPER,
    "win": SUPER,
}

#: Control characters that terminals make of characters that are no letters.
CONTROL_OF = {
    " ": 0,
    "@": 0,
    "2": 0,
    "[": 27,
    "3": 27,
    "\\": 28,
    "4": 28,
    "]": 29,
    "5": 29,
    "^": 30,
    "6": 30,
    "~": 30,
    "_": 31,
    "7": 31,
    "/": 31,
    "?": 127,
    "8": 127,
}
#: The key that a character is on, where it takes Shift: of the US layout, which protocols with key codes go by.
UNSHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./", strict=True))
