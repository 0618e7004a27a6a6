"""Roost's own call about keys: `keys.send`. Owns its parameters, its limits and the order of text and keys."""

from __future__ import annotations

from roost.core.keys import encode_keys, parse_key, typed_keys
from roost.daemon.around import Context, Wired
from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.keyboard import key_modes
from roost.daemon.sending import SEND_TIMEOUT_S
from roost.errors import InvalidError

#: Keys of one call at most.
MAX_KEYS = 4096
#: Text typed key by key at most; longer text is for `roost send`.
MAX_TEXT_CHARACTERS = 65536


class KeysParams(Params, frozen=True):
    """Keys for a session: `text` is typed key by key, then come `keys`."""

    target: str = ""
    keys: list[str] = []
    text: str = ""
    timeout_s: float = SEND_TIMEOUT_S


def wire(context: Context) -> Wired:
    """Bring `keys.send`."""
    return Wired(methods={"keys.send": Method(KeysParams, _send_keys)})


async def _send_keys(calls: Calls, p: KeysParams, _data: bytes) -> Result:
    _check(p)
    typed, keys = typed_keys(p.text), [parse_key(name) for name in p.keys]  # all of them, before a byte is written
    session = calls.service.find(p.target, live_only=not p.target)
    name = session.record.name
    if not session.is_pty:
        raise InvalidError(f"session {name} has no terminal, so there are no keys to press; use `roost send`")
    modes = key_modes(session)
    inexact = set(encode_keys(keys, modes)[1])
    offset = session.streams["stdout"].ring.end
    data = encode_keys([*typed, *keys], modes)[0]
    written = await calls.service.send(session, data, timeout_s=check_duration(p.timeout_s))
    return {
        "session_id": session.id,
        "name": name,
        "written": written,
        "offset": offset,
        "inexact": list(dict.fromkeys(name for name, key in zip(p.keys, keys, strict=True) if key in inexact)),
    }, b""


def _check(p: KeysParams) -> None:
    if not (p.keys or p.text):
        raise InvalidError("no keys were given; name at least one, for example Enter")
    if len(p.keys) > MAX_KEYS or len(p.text) > MAX_TEXT_CHARACTERS:
        raise InvalidError(
            f"a call takes {MAX_KEYS} keys and {MAX_TEXT_CHARACTERS} characters at most; "
            "`roost send` takes text of any length"
        )
