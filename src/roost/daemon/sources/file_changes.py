"""From what the kernel says about names to what is told: one event a change, renames in one piece, no floods.

Owns the vocabulary (`created`, `modified`, `closed`, `renamed`, `deleted`), the damping of `modified`, and the ignore
rules of one session's places. Knows nothing of how the changes were seen.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from roost.daemon.sources.delivery import Delivery, Observation, gap
from roost.daemon.sources.ignore import Ignore
from roost.daemon.sources.target import Target

#: A file that is written all the time is told this often.
_MODIFIED_EVERY_S = 1.0
_REMEMBERED = 8192


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a change: a process, and whether it is one of the session's own."""

    pid: int
    ours: bool


class FileChanges:
    """What one session's places tell. Used in one thread."""

    def __init__(self, target: Target, delivery: Delivery, source: str) -> None:
        self.session_id = target.session_id
        self.source = source
        self._delivery = delivery
        self._places = sorted({_real(place) for place in target.places}, key=len)
        self._rules = {place: Ignore(_directory_of(place), target.ignore) for place in self._places}
        self._own = tuple(_real(place) + b"/" for place in target.own)
        self._modified: dict[bytes, float] = {}

    @property
    def places(self) -> list[bytes]:
        """The places, resolved; a place inside another is among them only if the other's rules leave it out."""
        return [place for place in self._places if not any(self._covers(other, place) for other in self._places)]

    def _covers(self, outer: bytes, place: bytes) -> bool:
        return _below(place, outer) and not self._rules[outer].skips(place)

    def wants(self, path: bytes, *, directory: bool) -> bool:
        """Whether a path lies in a place and is not ignored there."""
        if path.startswith(self._own):
            return False
        return any(self._in(path, place, directory=directory) for place in self._places)

    def enters(self, directory: bytes) -> bool:
        """Whether what is directly in a directory may be told."""
        if (directory + b"/").startswith(self._own):
            return False
        for place in self._places:
            if place == directory or os.path.dirname(place) == directory:
                return True
            if _below(directory, place) and not self._rules[place].skips(directory):
                return True
        return False

    def _in(self, path: bytes, place: bytes, *, directory: bool) -> bool:
        if path == place:
            return True
        return _below(path, place) and not self._rules[place].ignores(path, directory=directory)

    def rules_changed(self, path: bytes) -> bool:
        """Take note of a change; True when it was one of the rules themselves."""
        affected = [rules for place, rules in self._rules.items() if _below(path, place) and rules.changed(path)]
        return bool(affected)

    # --- telling ----------------------------------------------------------------------------------------------------

    def tell(
        self,
        type: str,
        path: bytes,
        *,
        directory: bool = False,
        before: bytes | None = None,
        by: Actor | None = None,
        sampled: bool = False,
        at: float | None = None,
        **more: Any,
    ) -> None:
        """One change, unless it is ignored; `before`: the old path of a rename, of which either side may be ours."""
        at = time.time() if at is None else at
        if not any(self.wants(side, directory=directory) for side in (path, before) if side is not None):
            return
        if type == "modified" and not self._worth_telling(path, at):
            return
        if type in ("closed", "deleted", "renamed"):
            self._modified.pop(path, None)
        data: dict[str, Any] = {**_shown("path", path), "directory": directory, "attributed": False, **more}
        if before is not None:
            data |= _shown("from", before)
        if by is not None:
            data |= {"pid": by.pid, "attributed": by.ours}
        grade = "sampled" if sampled else "exact"
        self._delivery.put(Observation(self.session_id, "file", type, data, grade, self.source, at))

    def tell_gap(self, reason: str, **more: Any) -> None:
        """Something was missed."""
        self._delivery.put(gap(self.session_id, "file", self.source, reason, **more))

    def _worth_telling(self, path: bytes, at: float) -> bool:
        last = self._modified.get(path)
        if last is not None and 0 <= at - last < _MODIFIED_EVERY_S:
            return False
        if len(self._modified) >= _REMEMBERED:
            self._modified.clear()
        self._modified[path] = at
        return True


class RenamePairs:
    """Joins the halves of a rename by their cookie; one that stays alone crossed the border of what is watched."""

    def __init__(self, alone: Callable[[bytes, bool], None]) -> None:
        self._alone = alone
        self._left: dict[int, tuple[bytes, bool]] = {}

    @property
    def waiting(self) -> bool:
        """Whether a half waits for its other."""
        return bool(self._left)

    def gone(self, cookie: int, path: bytes, *, directory: bool) -> None:
        """Something was moved away."""
        self._left[cookie] = (path, directory)

    def arrived(self, cookie: int) -> bytes | None:
        """Something was moved here: from where, if that was seen."""
        found = self._left.pop(cookie, None)
        return found[0] if found else None

    def give_up(self, keep: Collection[int] = ()) -> None:
        """No other halves will come, but those of the cookies to keep."""
        for cookie in [cookie for cookie in self._left if cookie not in keep]:
            self._alone(*self._left.pop(cookie))


def _shown(key: str, path: bytes) -> dict[str, str]:
    """A path as text, and as base64 beside it when text cannot hold it."""
    try:
        return {key: path.decode()}
    except UnicodeDecodeError:
        return {key: path.decode("utf-8", "replace"), f"{key}_base64": base64.b64encode(path).decode()}


def _real(place: bytes) -> bytes:
    return os.path.realpath(place)


def _directory_of(place: bytes) -> bytes:
    return place if os.path.isdir(place) else os.path.dirname(place)


def _below(path: bytes, place: bytes) -> bool:
    return path.startswith(place + b"/") or (place == b"/" and path != b"/")
