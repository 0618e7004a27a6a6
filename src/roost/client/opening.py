"""How sessions are started and attached to: the caller's arguments, made into the options that travel.

Owns the defaults that come from the calling process (directory, environment, umask, open files) and how the answer to a
spawn is read.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from roost.client.keywords import AttachKeywords, EventKeywords, SpawnKeywords, TeeKeywords, Text
from roost.client.replies import raise_reply_error
from roost.client.session_identity import Identity, StartedIdentity
from roost.core.refreshable import environment_block, refreshable
from roost.errors import InvalidError
from roost.wire.requests import AttachOptions, Reply, SpawnOptions, TeeOptions, decode_spawned, encode_spawn

if TYPE_CHECKING:
    from roost.client.event_stream import EventWish

#: TERM of a terminal session that is started where there is no terminal: by cron, a service, ssh without a terminal.
DEFAULT_TERM = "xterm-256color"


class SpawnOrder:
    """One spawn: a request that is the same at every repetition, and may be repeated because of its spawn id.

    Its answer is the session, as far as the daemon tells of it, and whether it existed before.
    """

    what = "spawn"
    repeatable = True
    extra_s = 0.0

    def __init__(self, argv: Sequence[Text], keywords: SpawnKeywords) -> None:
        if isinstance(argv, str | bytes) or not argv:
            raise InvalidError(f"argv is a non-empty list of the program and its arguments, not {argv!r}")
        umask = keywords.get("umask")
        tees = [tee_options(tee) for tee in keywords.get("tees") or ()]
        areas = keywords.get("options") or {}
        env = _environment(keywords.get("env"))
        pipe = keywords.get("pipe", False)
        self.options = SpawnOptions(
            [os.fsencode(argument) for argument in argv],
            cwd=_directory(keywords.get("cwd")),
            env=env,
            name=keywords.get("name"),
            rows=_size("rows", keywords.get("rows", 0)),
            cols=_size("cols", keywords.get("cols", 0)),
            pipe=pipe,
            merge_stderr=keywords.get("merge_stderr", False),
            originator=keywords.get("originator") or "",
            labels=(keywords.get("labels") or {}).items(),
            ring_bytes=keywords.get("ring_bytes"),
            size_policy=keywords.get("size_policy"),
            term=keywords.get("term") or (None if pipe else _term(env)),
            umask=current_umask() if umask is None else umask,
            limits=(_own_limits() | dict(keywords.get("limits") or {})).items(),
            spawn_id=keywords.get("spawn_id") or os.urandom(16).hex(),
            tees=tees,
            required_features=(*(["tees"] if tees else ()), *(["options"] if areas else ())),
            options=_area_options(areas),
        )

    def encode(self, request_id: int, client_name: str) -> bytes:
        """The request as it travels."""
        return encode_spawn(request_id, self.options, client_name)

    def answer(self, reply: Reply) -> tuple[Identity, bool]:
        """The session and whether it existed before; raises what the daemon refused it for."""
        raise_reply_error(reply)
        spawned = decode_spawned(reply)
        kind = "pipe" if self.options.pipe else "pty"
        return (
            StartedIdentity(spawned.session_id, spawned.name, kind, spawned.pid, spawned.created_at),
            spawned.existing,
        )


def _area_options(areas: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(areas, separators=(",", ":"), allow_nan=False).encode() if areas else b""
    except (TypeError, ValueError) as error:
        raise InvalidError(f"spawn: the options cannot be sent: {error}") from error


def tee_options(tee: Text | TeeOptions) -> TeeOptions:
    """A tee as it travels: the path is absolute, because the daemon's directory is not ours."""
    if not isinstance(tee, TeeOptions):
        return TeeOptions(os.path.abspath(os.fsencode(tee)))
    options = dict(zip(tee.__slots__, tee, strict=True))
    return TeeOptions(**{**options, "path": os.path.abspath(os.fsencode(tee.path))})  # type: ignore[arg-type]


def tee_from(path: Text, keywords: TeeKeywords) -> TeeOptions:
    """A tee as it is asked for by path and keywords."""
    return tee_options(TeeOptions(os.fsencode(path), **keywords))


#: The umask stands in the second line.
_STATUS_BYTES = 4096


def current_umask() -> int:
    """This process's umask, read without changing it for a moment. Source: proc(5)."""
    fd = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _, found, rest = os.read(fd, _STATUS_BYTES).partition(b"\nUmask:")
    finally:
        os.close(fd)
    return int(rest[: rest.index(b"\n")], 8) if found else 0o022


def _own_limits() -> dict[str, int | None]:
    """Our soft limit of open files: keeper and daemon have raised theirs, which a child must not see."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {"nofile": None if soft == resource.RLIM_INFINITY else soft}


def _directory(cwd: Text | None) -> bytes:
    try:
        return os.path.abspath(os.fsencode(b"." if cwd is None else cwd))
    except FileNotFoundError as error:
        raise InvalidError("the current directory was removed; change to another, or give cwd") from error


#: This process's environment as the system has it. What it is kept in is asked itself where it is known: asked through
#: `os.environb`, every variable is checked and encoded once more, which takes longer than all the rest of a request.
_OWN: Mapping[bytes, bytes] = getattr(os.environb, "_data", os.environb)


def _environment(env: Mapping[str, str] | Mapping[bytes, bytes] | None) -> bytes:
    """KEY=VALUE entries, each ended by a NUL byte."""
    if env is None:
        return b"".join([b"%s=%s\0" % entry for entry in _OWN.items()])
    entries = [(os.fsencode(key), os.fsencode(value)) for key, value in env.items()]
    for key, value in entries:
        if not key or b"=" in key or b"\0" in key + value:
            raise InvalidError(f"environment variable {os.fsdecode(key)!r} has an impossible name or value")
    return b"".join([b"%s=%s\0" % entry for entry in entries])


def _term(env: bytes) -> str:
    """The terminal that the child is to write for: that of the environment, a usual one where there is none."""
    if (at := (b"\0" + env).find(b"\0TERM=")) < 0:
        return DEFAULT_TERM
    start = at + len(b"TERM=")  # of `env`, which begins one byte later
    return os.fsdecode(env[start : env.index(b"\0", start)]) or DEFAULT_TERM


def _size(name: str, value: int) -> int:
    if not 0 <= value <= 0xFFFF:
        raise InvalidError(f"{name} is {value}; give 1 to 65535, or 0 for the default")
    return value


def attach_options(target: str, kind: str, keywords: AttachKeywords) -> AttachOptions:
    """What an attach to a session of that kind ("pty", "pipe") asks for."""
    return AttachOptions(
        target,
        stream=_stream(kind, keywords.get("stream", "stdout")),
        rows=_size("rows", keywords.get("rows", 0)),
        cols=_size("cols", keywords.get("cols", 0)),
        steal=keywords.get("steal", False),
        term=keywords.get("term") or "",
        tty=keywords.get("tty", False),
        from_offset=keywords.get("from_offset"),
        tail_bytes=keywords.get("tail_bytes"),
        mode=keywords.get("mode", "exclusive"),
        lossless=keywords.get("lossless", False),
        label=keywords.get("label"),
        restore=keywords.get("restore", "none"),
        env=_brought(keywords.get("env")),
        local=keywords.get("local", True) and not keywords.get("lossless", False),
        local_input=keywords.get("local", True) and kind == "pty" and keywords.get("mode") != "view",
    )


def _brought(env: Mapping[str, str] | Mapping[bytes, bytes] | None) -> bytes | None:
    """What of an environment a session may follow."""
    if env is None:
        return None
    return environment_block(refreshable({os.fsencode(k): os.fsencode(v) for k, v in env.items()}).items())


def _stream(kind: str, stream: str) -> str | None:
    """The stream as the request names it: None for a terminal, which has only one."""
    if stream not in ("stdout", "stderr"):
        raise InvalidError(f"unknown stream {stream!r}; streams are stdout and stderr")
    if kind == "pipe":
        return stream
    if stream != "stdout":
        raise InvalidError("a terminal session has one stream, stdout; stderr exists in pipe sessions only")
    return None


def event_wish(target: str | None, options: EventKeywords) -> tuple[EventWish, bool]:
    """The events that those options ask for, and whether the stream reconnects."""
    from roost.client.event_stream import EventWish

    given = dict(options)
    reconnect = bool(given.pop("reconnect", True))
    given.setdefault("until_exit", target is not None and "observer" not in given)
    return EventWish(target, **given), reconnect  # type: ignore[arg-type]
