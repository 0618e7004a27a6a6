"""From states of sockets to events: `listen`, `connect`, `accept`, `close`.

Pure bookkeeping in two forms: `TraceBook` is told of every change of state and misses nothing; `SampleBook` compares
looks at the table of sockets. Who a process belongs to is asked of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.platform.sock_diag import CLOSE, ESTABLISHED, LISTEN, SYN_SENT, Address, SocketEntry
from roost.platform.socket_trace import StateChange

SYN_RECEIVED, FIN_WAIT, LAST_ACK = 3, 4, 9
_WILDCARDS = ("0.0.0.0", "::")

OwnerOf = Callable[[int], str | None]


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a session, `exact` or not."""

    session_id: str
    type: str
    data: dict[str, Any]
    exact: bool
    at_ns: int = 0


@dataclass(slots=True)
class _Held:
    """A socket of a session. `closed`: its end was told."""

    session_id: str
    pid: int
    protocol: str
    local: Address
    peer: Address | None
    closed: bool = False

    def told(self, type: str, *, exact: bool, at_ns: int = 0, **more: Any) -> Told:
        data: dict[str, Any] = {"pid": self.pid, "protocol": self.protocol, "local": shown(self.local)}
        if self.peer is not None:
            data["peer"] = shown(self.peer)
        return Told(self.session_id, type, data | more, exact, at_ns)


def shown(address: Address) -> str:
    """`127.0.0.1:80`, `[::1]:80`."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(slots=True)
class _Listeners:
    """Who listens where."""

    by_address: dict[Address, _Held] = field(default_factory=dict)

    def at(self, local: Address) -> _Held | None:
        found = self.by_address.get(local)
        for host in _WILDCARDS:
            found = found or self.by_address.get((host, local[1]))
        return found

    def forget(self, session_id: str) -> None:
        self.by_address = {a: held for a, held in self.by_address.items() if held.session_id != session_id}


class TraceBook:
    """TCP sockets of all followed sessions, by every change of their state."""

    def __init__(self) -> None:
        self._listeners = _Listeners()
        self._held: dict[int, _Held] = {}  # by the kernel's key
        self._before: dict[tuple[Address, Address], _Held] = {}  # there before we looked, by their ends

    def seed(self, entry: SocketEntry, session_id: str, pid: int) -> None:
        """A socket that is there already; it is not told, its end is."""
        if entry.protocol != "tcp":
            return
        if entry.state == LISTEN:
            self._listeners.by_address[entry.local] = _Held(session_id, pid, "tcp", entry.local, None)
        elif entry.state == ESTABLISHED:
            self._before[entry.local, entry.peer] = _Held(session_id, pid, "tcp", entry.local, entry.peer)

    def forget(self, session_id: str) -> None:
        """A session is not followed any more."""
        self._listeners.forget(session_id)
        self._held = {key: held for key, held in self._held.items() if held.session_id != session_id}
        self._before = {ends: held for ends, held in self._before.items() if held.session_id != session_id}

    def changed(self, change: StateChange, owner_of: OwnerOf) -> Iterator[Told]:
        """What a change of state means."""
        if change.before == CLOSE and change.after in (LISTEN, SYN_SENT):
            yield from self._begun(change, owner_of)
        elif change.before == SYN_SENT:
            yield from self._answered(change)
        elif change.before == SYN_RECEIVED and change.after == ESTABLISHED:
            yield from self._accepted(change)
        elif change.after in (FIN_WAIT, LAST_ACK, CLOSE):
            yield from self._closed(change)

    def _begun(self, change: StateChange, owner_of: OwnerOf) -> Iterator[Told]:
        session_id = owner_of(change.pid)
        if session_id is None:
            return
        if change.after == SYN_SENT:
            self._held[change.key] = _Held(session_id, change.pid, "tcp", change.local, change.peer)
            return
        held = self._held[change.key] = _Held(session_id, change.pid, "tcp", change.local, None)
        self._listeners.by_address[change.local] = held
        yield held.told("listen", exact=True, at_ns=change.at_ns)

    def _answered(self, change: StateChange) -> Iterator[Told]:
        held = self._held.get(change.key)
        if held is None:
            return
        held.local = change.local
        established = change.after == ESTABLISHED
        yield held.told("connect", exact=True, at_ns=change.at_ns, established=established)
        if not established:
            del self._held[change.key]

    def _accepted(self, change: StateChange) -> Iterator[Told]:
        listener = self._listeners.at(change.local)
        if listener is not None:
            held = _Held(listener.session_id, listener.pid, "tcp", change.local, change.peer)
            self._held[change.key] = held
            yield held.told("accept", exact=True, at_ns=change.at_ns)

    def _closed(self, change: StateChange) -> Iterator[Told]:
        held = self._held.get(change.key)
        if held is None:
            held = self._before.pop((change.local, change.peer), None)
            if held is None and change.before == LISTEN:
                held = self._listeners.by_address.get(change.local)
            if held is None:
                return
            self._held[change.key] = held
        if not held.closed:
            held.closed = True
            yield held.told("close", exact=True, at_ns=change.at_ns)
        if change.after == CLOSE:
            del self._held[change.key]
            if self._listeners.by_address.get(held.local) is held:
                del self._listeners.by_address[held.local]


class SampleBook:
    """Sockets of all followed sessions as they were at the last look, by inode."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[_Held, SocketEntry]] = {}
        self._listeners = _Listeners()

    def forget(self, session_id: str) -> None:
        """A session is not followed any more."""
        self._known = {inode: both for inode, both in self._known.items() if both[0].session_id != session_id}
        self._listeners.forget(session_id)

    def look(
        self, entries: Iterable[SocketEntry], holders: Mapping[int, tuple[str, int]], *, silent: str = ""
    ) -> Iterator[Told]:
        """Compare with the last look. `holders`: (session, pid) by inode; of the session `silent` nothing is told."""
        present = {entry.inode: entry for entry in entries if entry.inode in holders}
        for inode, (held, entry) in list(self._known.items()):
            if inode not in present or present[inode].ends != entry.ends:
                del self._known[inode]
                self._unlisten(held)
                if not held.closed:
                    yield held.told("close", exact=False)
        new = [entry for entry in present.values() if entry.inode not in self._known]
        for entry in sorted(new, key=lambda entry: entry.state != LISTEN):  # who listens is known before who accepts
            told = self._new(entry, *holders[entry.inode])
            if told is not None and told.session_id != silent:
                yield told

    def _new(self, entry: SocketEntry, session_id: str, pid: int) -> Told | None:
        type = self._meaning(entry)
        if not type:
            return None
        held = _Held(session_id, pid, entry.protocol, entry.local, None if type == "listen" else entry.peer)
        self._known[entry.inode] = (held, entry)
        if type == "listen":
            self._listeners.by_address[entry.local] = held
        return held.told(type, exact=False, **({"established": True} if type == "connect" else {}))

    def _meaning(self, entry: SocketEntry) -> str:
        if entry.protocol == "udp":
            if entry.state == ESTABLISHED:
                return "connect"
            return "listen" if entry.local[1] else ""
        if entry.state == LISTEN:
            return "listen"
        if entry.state == ESTABLISHED:
            return "accept" if self._listeners.at(entry.local) else "connect"
        return ""

    def destroyed(self, entry: SocketEntry) -> Iterator[Told]:
        """A socket is gone, by the kernel's notice: exactly told, and one that no look saw may be ours by its port."""
        for held, known in self._known.values():
            if known.ends == entry.ends or (known.state == LISTEN and known.local == entry.local and not entry.peer[1]):
                if not held.closed:
                    held.closed = True
                    self._unlisten(held)
                    yield held.told("close", exact=True)
                return
        listener = self._listeners.at(entry.local) if entry.protocol == "tcp" and entry.peer[1] else None
        if listener is not None:
            held = _Held(listener.session_id, listener.pid, "tcp", entry.local, entry.peer)
            yield held.told("accept", exact=True)
            yield held.told("close", exact=True)

    def _unlisten(self, held: _Held) -> None:
        if self._listeners.by_address.get(held.local) is held:
            del self._listeners.by_address[held.local]
