"""The variables of an environment that are about where a person sits, and so become stale when they come back from
elsewhere.

Owns the names, the check of values that a client brings, and the words in which shells take them over. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from roost.errors import InvalidError

AGENT = "SSH_AUTH_SOCK"
#: What a client tells when it attaches; nothing else of its environment travels.
REFRESHABLE = (
    AGENT,
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SSH_TTY",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "WINDOWID",
    "DBUS_SESSION_BUS_ADDRESS",
    "KRB5CCNAME",
)
_NAMES = tuple(name.encode() for name in REFRESHABLE)
_NAME_SET = frozenset(_NAMES)
MAX_VALUE_BYTES = 1024
SHELLS = ("sh", "fish", "json")


def refreshable(environ: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """What of an environment travels."""
    if _NAME_SET.isdisjoint(environ):  # as it is for most starts by programs
        return {}
    return {name: environ[name] for name in _NAMES if name in environ and len(environ[name]) <= MAX_VALUE_BYTES}


def environment_block(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """KEY=VALUE entries, each ended by a NUL byte."""
    return b"".join([b"%s=%s\0" % entry for entry in entries])


def read_block(block: bytes) -> dict[bytes, bytes]:
    """The entries of a block that may be refreshed; others are not taken. Raises InvalidError for what is no block."""
    entries = block.split(b"\0")
    if entries.pop():
        raise InvalidError("an environment entry without its NUL byte")
    pairs = {}
    for entry in entries:
        name, equals, value = entry.partition(b"=")
        if not equals:
            raise InvalidError("an environment entry without '='")
        pairs[name] = value
    return refreshable(pairs)


def shell_text(values: Mapping[str, str | None], shell: str) -> str:
    """Lines for that shell to evaluate: what is None is unset. `json` is for programs."""
    if shell == "json":
        return json.dumps(values, indent=2) + "\n"
    if shell == "fish":
        return "".join(
            f"set -e {name};\n" if value is None else f"set -gx {name} {_fish_quoted(value)};\n"
            for name, value in values.items()
        )
    return "".join(
        f"unset {name};\n" if value is None else f"export {name}={_sh_quoted(value)};\n"
        for name, value in values.items()
    )


def _sh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
