"""The one resolver: which session a person means by a target.

In this order, the first rule that applies decides:
1. nothing: the latest live session;
2. an http:// or https:// address: not a session of this daemon;
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
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the resolver looks at. created_at: any clock that orders sessions; later ones in a sequence win ties."""

    id: str
    name: str
    pid: int
    live: bool
    created_at: float


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
    if target.startswith(("http://", "https://")):
        raise InvalidError(f"{target} is an address; addresses are served by the HTTP control plane, give a session")
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
        raise NoRunError("no session is running; start one with `roost run -- bash`")
    return max(live, key=_live_then_newest)


def _by_number(target: str, candidates: Sequence[Candidate]) -> Candidate:
    number = int(target) if len(target) < 20 else -1
    for item in candidates:
        if item.live and item.pid == number:
            return item
    named = [item for item in candidates if item.name == target]
    if named:
        return max(named, key=_live_then_newest)
    raise NoRunError(f"no running session has process id {target}; `roost ls` lists what is there")


def _by_part(target: str, candidates: Sequence[Candidate]) -> Candidate:
    for live in (True, False):
        group = [item for item in candidates if item.live is live]
        for matches in (str.startswith, str.__contains__):
            hits = [item for item in group if _matches(matches, target, item)]
            if hits:
                return _only(target, hits)
    raise NoRunError(
        f"no session answers to {target!r}; `roost ls --all` lists what is there, "
        "`roost run -- COMMAND` starts a new one"
    )


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
