"""`sessions.create` and `sessions.delete`: sessions started and ended by callers that have text only.

Owns their parameters. They are roost calls like the others, so that every way in has them.
"""

from __future__ import annotations

import os
from typing import Any

from roost.daemon import views
from roost.daemon.asker import ASKER
from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.environment import POLICY_CLEAR, POLICY_INHERIT, POLICY_USER_BASELINE
from roost.daemon.service import DEFAULT_GRACE_S
from roost.daemon.spawning import SpawnSpec
from roost.errors import InvalidError, WrongStateError

_BASES = {"daemon": POLICY_INHERIT, "user": POLICY_USER_BASELINE, "none": POLICY_CLEAR}
DEFAULT_TERM = "xterm-256color"


class CreateParams(Params, frozen=True):
    """A program to start in a session.

    environment: what `env` is laid over: `daemon` (its own), `user` (as after a login) or `none`. spawn_id: the same
    twice gives the first session. options: what the areas around a session are asked for, by area.
    """

    argv: list[str]
    cwd: str = ""
    env: dict[str, str] = {}
    environment: str = "user"
    name: str = ""
    pipe: bool = False
    merge_stderr: bool = False
    rows: int = 0
    cols: int = 0
    originator: str = ""
    labels: dict[str, str] = {}
    ring_bytes: int = 0
    size_policy: str = "latest"
    term: str = ""
    umask: int | None = None
    limits: dict[str, int | None] = {}
    spawn_id: str = ""
    options: dict[str, Any] = {}


class DeleteParams(Params, frozen=True):
    """A session to end, or to forget when it has ended; `forget` forgets one that runs too, once it has ended."""

    target: str = ""
    grace_s: float = DEFAULT_GRACE_S
    forget: bool = False


def create_methods() -> dict[str, Method[Any]]:
    """By name."""
    return {"sessions.create": Method(CreateParams, _create), "sessions.delete": Method(DeleteParams, _delete)}


async def _create(calls: Calls, p: CreateParams, _data: bytes) -> Result:
    if p.environment not in _BASES:
        raise InvalidError(f"unknown environment {p.environment!r}; it is one of {', '.join(_BASES)}")
    if p.merge_stderr and not p.pipe:
        raise InvalidError("merge_stderr is for pipe sessions: a terminal has one output")
    if not all(0 <= value <= 65535 for value in (p.rows, p.cols)):
        raise InvalidError(f"{p.rows}x{p.cols} is no terminal size; rows and cols go from 1 to 65535, 0 is the default")
    if p.ring_bytes < 0 or (p.umask is not None and not 0 <= p.umask <= 0o777):
        raise InvalidError("ring_bytes and umask cannot be negative, and a umask is 0777 at most")
    if any(value is not None and not 0 <= value < 1 << 63 for value in p.limits.values()):
        raise InvalidError("a limit is a number from 0 on, or null for none")
    spec = SpawnSpec(
        argv=[_encoded("argv", word) for word in p.argv],
        kind="pipe" if p.pipe else "pty",
        originator=p.originator or ASKER.get(),
        cwd=_encoded("cwd", p.cwd or _home()),
        entries=[(_encoded("env", key), _encoded("env", value)) for key, value in p.env.items()],
        policy=_BASES[p.environment],
        rows=0 if p.pipe else p.rows,
        cols=0 if p.pipe else p.cols,
        merged=p.merge_stderr,
        name=p.name,
        ring_bytes=p.ring_bytes,
        size_policy=p.size_policy,
        labels=p.labels,
        term=p.term or ("" if p.pipe else DEFAULT_TERM),
        umask=p.umask,
        limits=list(p.limits.items()),
        spawn_id=p.spawn_id,
        options=p.options,
    )
    session, existing = await calls.service.spawn(spec)
    return {"session": views.session_info(session), "existing": existing}, b""


def _home() -> str:
    return os.environ.get("HOME") or "/"


def _encoded(what: str, text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError as error:
        raise InvalidError(f"{what}: {text!r} is no text that the system can take") from error


async def _delete(calls: Calls, p: DeleteParams, _data: bytes) -> Result:
    session = calls.service.find(p.target)
    forget = p.forget or not session.live
    done = "forgotten" if forget else "ended"
    if session.live:
        await calls.service.terminate([session], check_duration(p.grace_s))
    if forget:
        if session.live:
            raise WrongStateError(f"session {session.record.name} did not end and is not forgotten; see `roost ls`")
        await calls.service.purge([session])
    return {"session_id": session.id, "name": session.record.name, "done": done}, b""
