"""The one resolver: which session a person means by a target.

In this order, the first rule that applies decides:
1. nothing: the latest live session;
2. an http:// or https:// address: a session of whichever daemon answers there (`split_address` takes it apart; who
   holds the connection to a daemon has to go there first);
3. a number: the pid of a live session (never a part of something: a stale pid must not hit another session);
4. an exact id or name: the live one, else the newest exited one;
5. the beginning of a name or id, then a part of one; live sessions first, then exited ones. It must be unambiguous;
   several exited sessions of the same name count as one, the newest.
Parts of ids count from three characters on: they are random, and a letter would hit by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roost.errors import AmbiguousTargetError, InvalidError, NoRunError, WrongStateError

MIN_ID_PART = 3
#: How much of a target that is no name is repeated in an error.
_SHOWN_LENGTH = 200
_LISTED = 10
#: The last words of every miss.
START_ONE = "`roost run -- COMMAND` starts a new one"
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the resolver looks at. created_at: any clock that orders sessions; later ones in a sequence win ties."""

    id: str
    name: str
    pid: int
    live: bool
    created_at: float


def is_address(target: str) -> bool:
    """Whether a target is the address of a daemon."""
    return target.startswith(_SCHEMES)


def split_address(target: str) -> tuple[str, str]:
    """The daemon's address (`http://host:port`) and the target there, which is empty for its latest live session.

    The path is a session, also the way a browser shows it: `/NAME`, `/sessions/NAME`, `/v1/sessions/NAME`. Raises
    InvalidError.
    """
    from urllib.parse import unquote, urlsplit  # here: hardly any target is an address

    try:
        parts = urlsplit(target)
        port = parts.port
        (parts.hostname or "").encode("idna")  # what looks a name up refuses others with an error of its own
    except ValueError as error:
        raise InvalidError(f"{target} is no address: {error}; write for example http://127.0.0.1:8080/NAME") from error
    if not parts.hostname or parts.username is not None or parts.query:
        raise InvalidError(f"{target} is no address of a session; write for example http://127.0.0.1:8080/NAME")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    base = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    words = [unquote(word) for word in parts.path.split("/") if word]
    if words[:1] == ["v1"]:
        words = words[1:]
    if words[:1] == ["sessions"]:
        words = words[1:]
    if len(words) > 1:
        raise InvalidError(f"{target} names more than a session; write {base}/{words[0]}")
    return base, words[0] if words else ""


def resolve(target: str, candidates: Sequence[Candidate], *, live_only: bool = False) -> Candidate:
    """The session that the target means.

    Raises NoRunError (none), AmbiguousTargetError (several; lists them), InvalidError (an address) and, with
    `live_only`, WrongStateError when the one that is meant has exited.
    """
    found = _find(target, candidates)
    if live_only and not found.live:
        raise WrongStateError(
            f"session {found.name} ({found.id}) has exited; "
            f"see its output with `roost logs {found.name}` or start it again with `roost restart {found.name}`"
        )
    return found


def _find(target: str, candidates: Sequence[Candidate]) -> Candidate:
    if not target:
        return _latest_live(candidates)
    if is_address(target):
        raise InvalidError(f"{target} is the address of a daemon, which has to be asked there; give a session here")
    if target.isdecimal():
        return _by_number(target, candidates)
    exact = [item for item in candidates if target in (item.id, item.name)]
    if exact:
        return max(exact, key=_live_then_newest)
    return _by_part(target, candidates)


def _live_then_newest(candidate: Candidate) -> tuple[bool, float]:
    return candidate.live, candidate.created_at


def _latest_live(candidates: Sequence[Candidate]) -> Candidate:
    live = [item for item in reversed(candidates) if item.live]
    if not live:
        if not candidates:
            raise NoRunError("no session is running; start one with `roost run -- bash`")
        last = max(candidates, key=_live_then_newest).name
        raise NoRunError(f"no session is running, {last} was the last: name it to mean that one; {START_ONE}")
    return max(live, key=_live_then_newest)


def _by_number(target: str, candidates: Sequence[Candidate]) -> Candidate:
    number = int(target) if len(target) < 20 else -1
    for item in candidates:
        if item.live and item.pid == number:
            return item
    named = [item for item in candidates if item.name == target]
    if named:
        return max(named, key=_live_then_newest)
    raise NoRunError(f"no running session has process id {target}; `roost ls` lists what is there, {START_ONE}")


def _by_part(target: str, candidates: Sequence[Candidate]) -> Candidate:
    for live in (True, False):
        group = [item for item in candidates if item.live is live]
        for matches in (str.startswith, str.__contains__):
            hits = [item for item in group if _matches(matches, target, item)]
            if hits:
                return _only(target, hits)
    shown = target if len(target) <= _SHOWN_LENGTH else target[:_SHOWN_LENGTH] + "…"
    raise NoRunError(f"no session answers to {shown!r}; `roost ls --all` lists what is there, {START_ONE}")


def _matches(matches: Callable[[str, str], bool], target: str, candidate: Candidate) -> bool:
    by_id = len(target) >= MIN_ID_PART and matches(candidate.id, target)
    return by_id or matches(candidate.name, target)


def _only(target: str, hits: list[Candidate]) -> Candidate:
    if len({item.name for item in hits}) == 1 or len(hits) == 1:
        return max(hits, key=_live_then_newest)
    shown = ", ".join(f"{item.id} {item.name} {'running' if item.live else 'exited'}" for item in hits[:_LISTED])
    more = f" and {len(hits) - _LISTED} more" if len(hits) > _LISTED else ""
    raise AmbiguousTargetError(
        f"{target!r} could mean {len(hits)} sessions: {shown}{more}; give more of the name or id"
    )
