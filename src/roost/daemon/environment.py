"""Which environment a child gets: the base of the policy, the request's entries, then what roost adds.

Pure: the daemon's own environment and the passwd entry are handed in.
"""

from __future__ import annotations

import functools
import os
import pwd
from collections.abc import Iterable, Mapping

from roost.errors import InvalidError

Pairs = list[tuple[bytes, bytes]]

POLICY_FROM_BOOLEAN = 0
POLICY_INHERIT = 1
POLICY_USER_BASELINE = 2
POLICY_CLEAR = 3

_BASELINE_PATH = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BASELINE_KEPT = (b"LANG", b"TZ", b"TMPDIR", b"XDG_RUNTIME_DIR")

#: Set by roost for each session; a session started from inside another must not inherit the outer one's.
OWN_VARIABLES = (b"ROOST_SESSION", b"ROOST_NAME", b"ROOST_SOCKET", b"ROOST_EVENTS", b"ROOST_SCOPE")
ORIGINATOR_VARIABLE = b"RUNNING_PROCESS_ORIGINATOR"


def base_environment(policy: int, clear: bool, daemon: Mapping[bytes, bytes], user: pwd.struct_passwd | None) -> Pairs:
    """The environment before the request's own entries. Source: section 3.3 of the protocol's fact sheet."""
    if policy == POLICY_FROM_BOOLEAN:
        policy = POLICY_CLEAR if clear else POLICY_INHERIT
    if policy == POLICY_CLEAR:
        return []
    if policy == POLICY_INHERIT or (policy == POLICY_USER_BASELINE and user is None):
        return list(daemon.items())
    if policy != POLICY_USER_BASELINE:
        raise InvalidError(
            f"unknown environment policy: {policy}; use 0 (by boolean), 1 (inherit), 2 (user), 3 (clear)"
        )
    assert user is not None
    login = os.fsencode(user.pw_name)
    pairs = [
        (b"USER", login),
        (b"LOGNAME", login),
        (b"HOME", os.fsencode(user.pw_dir)),
        (b"SHELL", os.fsencode(user.pw_shell) or b"/bin/sh"),
        (b"PATH", _BASELINE_PATH),
    ]
    pairs += [(key, value) for key, value in daemon.items() if key in _BASELINE_KEPT or key.startswith(b"LC_")]
    return pairs


def child_environment(base: Pairs, entries: Iterable[tuple[bytes, bytes]], own: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """Lay entries over the base in order, later ones winning, then roost's own, which always win."""
    given = list(entries)
    _check_entries(given)
    merged = dict(base)
    merged.update(given)
    for key in OWN_VARIABLES:
        merged.pop(key, None)
    for key, value in own:
        merged.pop(key, None)
        merged[key] = value
    return list(merged.items())


def _check_entries(entries: Pairs) -> None:
    names = [key for key, _ in entries]
    if all(names) and b"=" not in b"".join(names) and b"\0" not in b"".join(map(b"".join, entries)):
        return  # as always; the rest only finds which it is
    for key, value in entries:
        if not key or b"=" in key or b"\0" in key or b"\0" in value:
            raise InvalidError(f"environment variable {os.fsdecode(key)!r} has an impossible name or value")


def block_of(pairs: Pairs) -> bytes:
    """The pairs as KEY=VALUE, a NUL byte between them."""
    return b"\0".join([b"%s=%s" % pair for pair in pairs])


def with_shell(pairs: Pairs, user: pwd.struct_passwd | None) -> Pairs:
    """Make sure that SHELL is set, as a PTY child expects."""
    for key, _ in pairs:
        if key == b"SHELL":
            return pairs
    return [*pairs, (b"SHELL", (os.fsencode(user.pw_shell) if user else b"") or b"/bin/sh")]


@functools.cache
def current_user() -> pwd.struct_passwd | None:
    """The passwd entry of this uid, if there is one."""
    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:
        return None
