"""File events by fanotify: every change in the file systems of the sessions' places, with the process that made it.

Owns one group and one thread for the whole daemon, and the paths of directories by handle: the kernel names a
directory by its handle, which cannot be resolved any more once it is gone, so they are learned beforehand and as
directories are made.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable

from roost.daemon.sources.delivery import Delivery
from roost.daemon.sources.family import OURSELVES
from roost.daemon.sources.file_changes import Actor, FileChanges
from roost.daemon.sources.process import ProcessWatch
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import HasFileno, Worker
from roost.platform import fanotify
from roost.platform.fanotify import ChangeNotice, Fanotify, Handle, Place

FANOTIFY = "fanotify"
#: Directories whose path is kept, and those that are known to be nobody's.
_KNOWN, _FOREIGN = 262_144, 65_536
_PER_TURN = 64

_STEPS = (
    (fanotify.CREATE, "created"),
    (fanotify.MODIFY, "modified"),
    (fanotify.CLOSE_WRITE, "closed"),
    (fanotify.DELETE, "deleted"),
)


class FanotifyWatch(Worker):
    """The thread. Raises OSError when the kernel does not let us."""

    def __init__(self, delivery: Delivery, on_crash: Callable[[Exception], None]) -> None:
        super().__init__("fanotify events", on_crash)
        self._delivery = delivery
        self._sessions: dict[str, tuple[FileChanges, ProcessWatch]] = {}
        self._paths: dict[Handle, bytes] = {}
        self._foreign: set[Handle] = set()
        self._pending: deque[tuple[bytes, FileChanges, Callable[[], None] | None]] = deque()
        self._fanotify = Fanotify()

    # --- any thread -------------------------------------------------------------------------------------------------

    def mark(self, places: Iterable[bytes]) -> None:
        """Have the file systems of those places told. Raises OSError where one cannot be."""
        for place in places:
            while not os.path.isdir(place):
                place = os.path.dirname(place)
            self._fanotify.mark(place)

    def follow(self, target: Target, processes: ProcessWatch, ready: Callable[[], None]) -> None:
        """Tell of a session's places from now on; `ready` is called in the thread when their directories are known."""
        self.ask(lambda: self._follow(target, processes, ready))

    def leave(self, session_id: str) -> None:
        """Tell of them no more."""
        self.ask(lambda: self._leave(session_id))

    def settle(self, session_id: str, call: Callable[[], None]) -> None:
        """Have a call made on the loop once all that happened up to now was emitted."""

        def read_then_call() -> None:
            for _ in range(64):
                if not self._read():
                    break
            self._delivery.after(session_id, call)

        self.ask(read_then_call)

    # --- the thread -------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[HasFileno]:
        return (self._fanotify,)

    def timeout_s(self) -> float | None:
        return 0 if self._pending else None

    def turn(self) -> None:
        self._read()
        for _ in range(min(_PER_TURN, len(self._pending))):
            directory, changes, ready = self._pending.popleft()
            if ready is not None:
                ready()
            else:
                self._learn(directory, changes)

    def shut(self) -> None:
        self._fanotify.close()

    def _follow(self, target: Target, processes: ProcessWatch, ready: Callable[[], None]) -> None:
        changes = FileChanges(target, self._delivery, FANOTIFY)
        self._sessions[target.session_id] = (changes, processes)
        self._foreign.clear()
        self._pending.extend((place, changes, None) for place in changes.places)
        self._announce(changes, ready)

    def _announce(self, changes: FileChanges, ready: Callable[[], None]) -> None:
        """Call `ready` when nothing of that session is left to be learned: asked again behind what is there now."""

        def look() -> None:
            if any(other is changes and call is None for _, other, call in self._pending):
                self._pending.append((b"", changes, look))
            else:
                ready()

        self._pending.append((b"", changes, look))

    def _leave(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)
        if not self._sessions:
            self._paths.clear()
            self._foreign.clear()

    def _learn(self, directory: bytes, changes: FileChanges) -> None:
        """Know a directory and what is below it by handle."""
        if not changes.enters(directory):
            return
        try:
            self._remember(fanotify.handle_of(directory), directory)
            below = [entry.path for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]
            self._fanotify.mark(directory)
        except OSError:
            return  # gone again, not ours to read, or a file system that tells nothing
        self._pending.extend((path, changes, None) for path in below)

    # --- what the kernel says ---------------------------------------------------------------------------------------

    def _read(self) -> bool:
        notices = self._fanotify.read()
        ours = [(notice, found) for notice in notices if (found := self._resolve(notice))]
        if ours:
            for processes in {id(p): p for _, p in self._sessions.values()}.values():
                processes.pump()  # a process that made a change was forked before: take that in first
            for notice, (path, before) in ours:
                self._tell(notice, path, before)
        return bool(notices)

    def _resolve(self, notice: ChangeNotice) -> tuple[bytes, bytes | None] | None:
        """The path now and before of what changed; None when it is nobody's business."""
        if notice.mask & fanotify.Q_OVERFLOW:
            self._overflowed()
            return None
        path = self._path(notice.at)
        before = self._path(notice.before)
        if notice.mask & fanotify.IS_DIRECTORY:
            self._directory_changed(notice, path, before)
        if path is None and before is None:
            return None
        return (path or b"", before)

    def _path(self, place: Place | None) -> bytes | None:
        if place is None:
            return None
        handle, name = place
        if handle in self._foreign:
            return None
        directory = self._paths.get(handle)
        if directory is None:
            directory = self._fanotify.path_of(handle)
            if directory is None or not any(changes.enters(directory) for changes, _ in self._sessions.values()):
                if len(self._foreign) >= _FOREIGN:
                    self._foreign.clear()
                self._foreign.add(handle)
                return None
            self._remember(handle, directory)
        return os.path.join(directory, name)

    def _remember(self, handle: Handle, directory: bytes) -> None:
        if len(self._paths) >= _KNOWN:
            self._paths.clear()
        self._paths[handle] = directory
        self._foreign.discard(handle)

    def _directory_changed(self, notice: ChangeNotice, path: bytes | None, before: bytes | None) -> None:
        if notice.mask & fanotify.CREATE and notice.target is not None and path is not None:
            if any(changes.enters(path) for changes, _ in self._sessions.values()):
                self._remember(notice.target, path)
        elif notice.mask & fanotify.RENAME:
            self._foreign.clear()  # what was nobody's may be somebody's now, and the other way round
            if before is not None:
                self._rename_below(before, path)

    def _rename_below(self, before: bytes, now: bytes | None) -> None:
        """Directories have another path, or one that is to be looked up when it matters."""
        for handle in [h for h, p in self._paths.items() if p == before or p.startswith(before + b"/")]:
            old = self._paths.pop(handle)
            if now is not None:
                self._paths[handle] = now + old[len(before) :]

    def _tell(self, notice: ChangeNotice, path: bytes, before: bytes | None) -> None:
        is_directory = bool(notice.mask & fanotify.IS_DIRECTORY)
        for session_id, (changes, processes) in self._sessions.items():
            by = None
            if notice.pid > 0:
                owner = processes.owner_of(notice.pid)
                if owner == OURSELVES:  # a hook of such events that writes here would cause the next one, for ever
                    continue
                by = Actor(notice.pid, ours=owner == session_id)
            if notice.mask & fanotify.RENAME:
                _tell_rename(changes, path, before, by, directory=is_directory)
            else:
                for step in _steps(notice.mask, path):
                    changes.tell(step, path, by=by, directory=is_directory)
            if path and notice.mask != fanotify.MODIFY and changes.rules_changed(path):
                self._foreign.clear()
                self._pending.extend((place, changes, None) for place in changes.places)

    def _overflowed(self) -> None:
        for changes, _ in self._sessions.values():
            changes.tell_gap("kernel_queue_overflow")
            self._pending.extend((place, changes, None) for place in changes.places)


def _tell_rename(changes: FileChanges, path: bytes, before: bytes | None, by: Actor | None, *, directory: bool) -> None:
    """A rename within what is told is one event; across its border it is a coming or a going."""
    came = bool(path) and changes.wants(path, directory=directory)
    left = before is not None and changes.wants(before, directory=directory)
    if came and left:
        changes.tell("renamed", path, before=before, by=by, directory=directory)
    elif came:
        changes.tell("created", path, by=by, directory=directory, moved_in=True)
    elif left and before is not None:
        changes.tell("deleted", before, by=by, directory=directory, moved_out=True)


def _steps(mask: int, path: bytes) -> Iterable[str]:
    """The single steps of a joined notice, in the only order they can have had, as far as that is clear."""
    steps = [name for bit, name in _STEPS if mask & bit]
    if mask & fanotify.CREATE and mask & fanotify.DELETE and os.path.lexists(path):
        return ["deleted", *(step for step in steps if step != "deleted")]
    return steps
