"""Which size a terminal gets when clients of different sizes are attached to it.

Policies:
- latest: the client that typed last (attaching counts as typing); when it leaves, the one that typed before it.
- smallest: the least rows and the least columns of all.
- leader: the client that has been attached longest.
- fixed: only an explicit resize changes it.
An explicit resize applies at once under every policy and stands until a client's turn comes again. Clients that only
view, or have no terminal, have no say. Output never changes a size. Who performs the resize waits DEBOUNCE_S first, so
that a window being dragged does not become a storm of signals.
"""

from __future__ import annotations

from typing import NamedTuple

from roost.errors import InvalidError

POLICIES = ("latest", "smallest", "fixed", "leader")
DEFAULT_POLICY = "latest"
DEBOUNCE_S = 0.12
MAX_SIZE = 65535


class Winsize(NamedTuple):
    """Rows and columns of a terminal; zero means "keep" wherever a size is asked for."""

    rows: int
    cols: int


DEFAULT_SIZE = Winsize(24, 80)


def check_policy(policy: str) -> str:
    """The policy, unchanged; InvalidError when there is no such policy."""
    if policy not in POLICIES:
        raise InvalidError(f"size policy {policy!r} does not exist; give one of {', '.join(POLICIES)}")
    return policy


def check_size(rows: int, cols: int, keep: Winsize = DEFAULT_SIZE) -> Winsize:
    """The size with zeros replaced by what is kept; InvalidError names the value that no terminal can have."""
    if not (0 <= rows <= MAX_SIZE and 0 <= cols <= MAX_SIZE):
        what, value = ("cols", cols) if 0 <= rows <= MAX_SIZE else ("rows", rows)
        raise InvalidError(f"{what} {value} cannot be set: give 1 to {MAX_SIZE}")
    return Winsize(rows or keep.rows, cols or keep.cols)


class Sizing:
    """The size of one terminal and the clients that have a say in it. Every method returns the size to have now."""

    __slots__ = ("_policy", "_size", "_voters")

    def __init__(self, size: Winsize = DEFAULT_SIZE, policy: str = DEFAULT_POLICY) -> None:
        self._policy = check_policy(policy)
        self._size = check_size(*size)
        # In the order of `latest`: who typed last stands last; for the other policies in order of arrival.
        self._voters: dict[str, Winsize] = {}

    @property
    def size(self) -> Winsize:
        """The size to have now."""
        return self._size

    @property
    def policy(self) -> str:
        """The policy in force."""
        return self._policy

    def join(self, client: str, rows: int, cols: int) -> Winsize:
        """A client with a terminal attached; zeros keep what is there."""
        self._voters[client] = check_size(rows, cols, self._size)
        return self._apply()

    def preview(self, rows: int, cols: int) -> Winsize:
        """The size that there would be once a client with that size had attached; nothing is changed."""
        other = Sizing(self._size, self._policy)
        other._voters = dict(self._voters)
        return other.join("", rows, cols)

    def leave(self, client: str) -> Winsize:
        """A client is gone. The last one leaves its size behind."""
        before = self._deciding()
        if self._voters.pop(client, None) is not None and (self._policy == "smallest" or before == client):
            self._apply()
        return self._size

    def typed(self, client: str) -> Winsize:
        """A client typed. Cheap when it was the last one to type: called for every keystroke."""
        if self._policy != "latest" or client not in self._voters or self._deciding() == client:
            return self._size
        self._voters[client] = self._voters.pop(client)
        return self._apply()

    def client_resized(self, client: str, rows: int, cols: int) -> Winsize:
        """A client's own terminal changed; it matters when the policy listens to that client."""
        known = self._voters.get(client)
        if known is None:
            return self._size
        self._voters[client] = check_size(rows, cols, known)
        if self._policy == "smallest" or self._deciding() == client:
            self._apply()
        return self._size

    def resize(self, rows: int, cols: int) -> Winsize:
        """An explicit resize: applies at once, whoever is attached."""
        self._size = check_size(rows, cols, self._size)
        return self._size

    def _deciding(self) -> str | None:
        if self._policy == "leader":
            return next(iter(self._voters), None)
        return next(reversed(self._voters), None)

    def _apply(self) -> Winsize:
        if self._voters and self._policy != "fixed":
            self._size = self._wanted()
        return self._size

    def _wanted(self) -> Winsize:
        if self._policy == "smallest":
            rows, cols = zip(*self._voters.values(), strict=True)
            return Winsize(min(rows), min(cols))
        return self._voters[self._deciding() or ""]
