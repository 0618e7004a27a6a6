"""The short way: `ls` and `send` in one call on one connection, and `attach`, without the command tree.

Owns these commands' own reading of the command line and their printing. What it does not understand, or a daemon
that is not there, it leaves to the command tree; so it must not have done anything by then.
"""

from __future__ import annotations

import os

from roost.cli.typed import told_text
from roost.client import quick
from roost.client.faults import DaemonAbsentError

_ATTACH_FLAGS = {"--view", "--share", "--steal", "--lossless"}
_SESSIONS_KEY = b'{"sessions":'


def ls(flags: set[str]) -> int:
    """Lists the sessions; `flags` may hold "all" and "json"."""
    everything = "all" in flags
    if "json" not in flags:
        return show_table(all=everything)
    try:
        text = _sessions_json(everything)
    except DaemonAbsentError:
        _start_daemon(None)
        text = _sessions_json(everything)
    _print(text + b"\n")
    return 0


def show_table(*, all: bool, originator: str | None = None, scope: str | None = None) -> int:
    """Prints the table of sessions, made by the daemon."""
    try:
        table = quick.session_table(all=all, originator=originator, scope=scope)
    except DaemonAbsentError:
        _start_daemon(scope)
        table = quick.session_table(all=all, originator=originator, scope=scope)
    _print(table.encode(errors="backslashreplace"))
    return 0


def parse_send(args: list[str]) -> tuple[str, list[str], bool, bool] | None:
    """Target, text, enter and raw of a `send` command line; None for one that the command tree should look at."""
    target, enter, raw = "", True, False
    rest = iter(args)
    text: list[str] = []
    for arg in rest:
        if arg == "--":
            text += rest
        elif arg == "--to":
            target = next(rest, "")
            if not target:
                return None
        elif arg.startswith("--to="):
            target = arg[5:]
            if not target:
                return None
        elif arg == "--no-enter":
            enter = False
        elif arg == "--raw":
            raw, enter = True, False
        elif arg.startswith("-") and arg != "-":
            return None
        else:
            text.append(arg)
    far = target.startswith(("http://", "https://"))  # over HTTP, which is a longer way
    return (target, text, enter, raw) if text and not far else None


def send(target: str, text: list[str], enter: bool, raw: bool) -> int:
    """Types into a session."""
    from_stdin = text == ["-"]
    data = _read_stdin() if from_stdin else os.fsencode(" ".join(text))
    data = told_text(data, raw=raw, say=_say)
    if len(data) > quick.INPUT_LIMIT_BYTES:
        return _send_long(target, data, enter=enter, paste=not raw)
    try:
        quick.send_input(target, data, enter=enter, paste=not raw)
    except DaemonAbsentError:
        _start_daemon(None)
        quick.send_input(target, data, enter=enter, paste=not raw)
    return 0


def _send_long(target: str, data: bytes, *, enter: bool, paste: bool) -> int:
    from roost.client.sync import Client

    with Client(client_name="roost-cli") as client:
        client.send(target, data, enter=enter, paste=paste)
    return 0


def parse_attach(args: list[str]) -> tuple[str, set[str]] | None:
    """Target and options of an `attach` command line; None for one that the command tree should look at."""
    flags = {arg for arg in args if arg.startswith("-")}
    targets = [arg for arg in args if not arg.startswith("-")]
    if len(targets) > 1 or "" in targets or not flags <= _ATTACH_FLAGS or len(flags - {"--lossless"}) > 1:
        return None
    return (targets[0] if targets else "", flags)


def attach(target: str, flags: set[str]) -> int | None:
    """Attaches; None when the command tree should look at it."""
    from roost.cli.detach_keys import usual_keys

    try:
        keys = usual_keys()
    except ValueError:
        return None
    from roost.cli.attached import AttachChoice, attach_target
    from roost.client.sync import Client

    mode = "view" if "--view" in flags else "share" if "--share" in flags else "exclusive"
    choice = AttachChoice(mode=mode, steal="--steal" in flags, lossless="--lossless" in flags)
    with Client(client_name="roost-cli") as client:
        return attach_target(client, target, choice, keys)


def _sessions_json(everything: bool) -> bytes:
    """The array of sessions, as the daemon wrote it."""
    result = quick.call("sessions.list", '{"all":true}' if everything else '{"all":false}').result
    if result.startswith(_SESSIONS_KEY) and result.endswith(b"]}"):
        return result[len(_SESSIONS_KEY) : -1]
    import json

    return json.dumps(json.loads(result)["sessions"]).encode()


def _start_daemon(scope: str | None) -> None:
    from roost.client.launch import ensure_daemon
    from roost.paths import Paths

    ensure_daemon(Paths.for_scope(scope))


def _read_stdin() -> bytes:
    chunks = []
    while chunk := os.read(0, 1 << 16):
        chunks.append(chunk)
    return b"".join(chunks)


def _print(data: bytes) -> None:
    from roost.cli.copying import write_all

    write_all(1, data)


def _say(message: str) -> None:
    from roost.cli.failures import say

    say(message)
