"""File events of one session by inotify: its places as trees of watched directories.

Owns the watches and their paths. A directory that appears is watched and then looked into: what was put there before
the watch stood is told as `sampled`, and since something may have come and gone meanwhile, a gap names the directories.
inotify knows no pids, so nothing is attributed.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from collections.abc import Callable, Iterable

from roost.daemon.sources.delivery import Delivery
from roost.daemon.sources.file_changes import FileChanges, RenamePairs
from roost.daemon.sources.target import Target
from roost.daemon.sources.worker import HasFileno, Worker
from roost.platform import inotify
from roost.platform.inotify import FileNotice, Inotify

INOTIFY = "inotify"
#: Directories one session may have watched; all of a user's programs share one limit of the system.
MOST_DIRECTORIES = 65_536
#: Directories looked into before events are read again.
_PER_TURN = 64
#: How long a rename's second half may take.
_HALF_S = 0.02
#: How often a place that is not there is looked for.
_LOOK_FOR_PLACES_S = 1.0


class InotifyTree(Worker):
    """One session's thread. `ready` is called in it when everything that was there at the start is watched."""

    def __init__(
        self,
        target: Target,
        delivery: Delivery,
        on_crash: Callable[[Exception], None],
        ready: Callable[[], None],
        *,
        most_directories: int = MOST_DIRECTORIES,
    ) -> None:
        """Raises OSError when the user has too many inotify instances."""
        super().__init__("file events", on_crash)
        self._delivery = delivery
        self._changes = FileChanges(target, delivery, INOTIFY)
        self._most = most_directories
        self._ready: Callable[[], None] | None = ready
        self._paths: dict[int, bytes] = {}  # by watch
        self._watches: dict[bytes, int] = {}
        self._pending: deque[tuple[bytes, bool]] = deque()  # directories to look into; whether their content is news
        self._fresh: dict[int, set[bytes]] = {}  # what a look has told already and an event may tell again
        self._renames = RenamePairs(self._moved_away)
        self._unseen: list[bytes] = []  # directories of whose first moment nothing is known, to be told as a gap
        self._said_full = False
        self._missing: set[bytes] = set()
        self._inotify = Inotify()
        for place in self._changes.places:
            self._begin(place, news=False)

    # --- any thread -------------------------------------------------------------------------------------------------

    def settle(self, call: Callable[[], None]) -> None:
        """Have a call made on the loop once all that happened up to now was emitted."""

        def read_then_call() -> None:
            for _ in range(64):
                if not self._read():
                    break
            self._renames.give_up()
            self._tell_unseen()
            self._delivery.after(self._changes.session_id, call)

        self.ask(read_then_call)

    @property
    def watched(self) -> int:
        """How many directories are watched."""
        return len(self._watches)

    # --- the thread -------------------------------------------------------------------------------------------------

    def sources(self) -> Iterable[HasFileno]:
        return (self._inotify,)

    def timeout_s(self) -> float | None:
        if self._pending or self._ready is not None:
            return 0
        if self._renames.waiting:
            return _HALF_S
        return _LOOK_FOR_PLACES_S if self._missing else None

    def turn(self) -> None:
        if not self._read():
            self._fresh.clear()
            self._renames.give_up()
        for _ in range(min(_PER_TURN, len(self._pending))):
            directory, news = self._pending.popleft()
            self._look_into(directory, news=news)
        if not self._pending:
            self._tell_unseen()
        if not self._pending and self._ready is not None:
            ready, self._ready = self._ready, None
            ready()
        for place in list(self._missing):
            if os.path.lexists(place):
                self._missing.discard(place)
                self._begin(place, news=True)

    def shut(self) -> None:
        self._inotify.close()

    def _begin(self, place: bytes, *, news: bool) -> None:
        """Watch a place: a directory with all below, a file by the directory it is in."""
        if os.path.isdir(place):
            self._pending.append((place, news))
        elif os.path.lexists(place):
            self._watch(os.path.dirname(place))
        else:
            self._missing.add(place)
            return
        if news:
            self._changes.tell("created", place, directory=os.path.isdir(place), sampled=True)

    def _look_into(self, directory: bytes, *, news: bool) -> None:
        if not self._changes.enters(directory):
            return
        known = directory in self._watches
        watch = self._watch(directory)
        if news and not known:
            self._unseen.append(directory)
        if watch is None or (known and news):
            return
        try:
            entries = list(os.scandir(directory))
        except OSError:
            return  # gone again, or not ours to read
        for entry in entries:
            is_directory = entry.is_dir(follow_symlinks=False)
            if news:
                self._fresh.setdefault(watch, set()).add(entry.name)
                self._changes.tell("created", entry.path, directory=is_directory, sampled=True)
            if is_directory:
                self._pending.append((entry.path, news))

    def _watch(self, directory: bytes) -> int | None:
        if len(self._watches) >= self._most and directory not in self._watches:
            self._full(directory, "watch_limit")
            return None
        try:
            watch = self._inotify.watch(directory)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self._full(directory, "fs.inotify.max_user_watches")
            elif error.errno == errno.EACCES:
                self._changes.tell_gap("not_readable", path=_text(directory))
            return None
        self._paths[watch] = directory
        self._watches[directory] = watch
        return watch

    def _tell_unseen(self) -> None:
        """No time stamp says whether anything happened in a directory before it was watched: clocks of files are too
        coarse. So it is always said that it may have."""
        if self._unseen:
            unseen, self._unseen = self._unseen, []
            self._changes.tell_gap("new_directories", first=_text(unseen[0]), directories=len(unseen))

    def _full(self, directory: bytes, reason: str) -> None:
        if not self._said_full:
            self._said_full = True
            self._changes.tell_gap(reason, first_unwatched=_text(directory), watched=len(self._watches))

    # --- what the kernel says ---------------------------------------------------------------------------------------

    def _read(self) -> bool:
        notices = self._inotify.read()
        arriving = {notice.cookie for notice in notices if notice.mask & inotify.MOVED_TO}
        for place, notice in enumerate(notices, 1):
            self._handle(notice)
            # The halves of a rename are queued together: one whose other is not there has left what we watch, and
            # what is queued behind it happened outside.
            if notice.mask & inotify.MOVED_FROM and notice.cookie not in arriving and place < len(notices):
                self._renames.give_up(keep=arriving)
        return bool(notices)

    def _handle(self, notice: FileNotice) -> None:
        if notice.mask & inotify.Q_OVERFLOW:
            self._overflowed()
            return
        directory = self._paths.get(notice.watch)
        if directory is None:
            return
        if notice.mask & inotify.IGNORED:
            self._forget(notice.watch, directory)
        elif notice.name:
            self._named(notice, os.path.join(directory, notice.name))
        elif notice.mask & (inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.UNMOUNT):
            self._place_gone(directory)

    def _named(self, notice: FileNotice, path: bytes) -> None:
        mask, is_directory = notice.mask, bool(notice.mask & inotify.IS_DIRECTORY)
        if mask & inotify.CREATE:
            if not self._told_already(notice):
                self._changes.tell("created", path, directory=is_directory)
            self._enter(path, is_directory=is_directory)
        elif mask & inotify.MODIFY:
            self._changes.tell("modified", path)
        elif mask & inotify.CLOSE_WRITE:
            self._changes.tell("closed", path)
        elif mask & inotify.DELETE:
            self._told_already(notice)
            self._changes.tell("deleted", path, directory=is_directory)
        elif mask & inotify.MOVED_FROM:
            self._renames.gone(notice.cookie, path, directory=is_directory)
        elif mask & inotify.MOVED_TO:
            self._moved_here(notice, path, is_directory=is_directory)
        if not mask & inotify.MODIFY and self._changes.rules_changed(path):
            for place in self._changes.places:
                self._pending.append((place, False))

    def _told_already(self, notice: FileNotice) -> bool:
        fresh = self._fresh.get(notice.watch)
        if fresh is None or notice.name not in fresh:
            return False
        fresh.discard(notice.name)
        return True

    def _enter(self, path: bytes, *, is_directory: bool) -> None:
        if is_directory and self._changes.enters(path):
            self._look_into(path, news=True)  # at once: the sooner the watch stands, the less has to be found

    def _moved_here(self, notice: FileNotice, path: bytes, *, is_directory: bool) -> None:
        before = self._renames.arrived(notice.cookie)
        if before is None:
            if not self._told_already(notice):
                self._changes.tell("created", path, directory=is_directory, moved_in=True)
            self._enter(path, is_directory=is_directory)
            return
        self._changes.tell("renamed", path, directory=is_directory, before=before)
        if is_directory:
            self._rename_below(before, path)
            if path not in self._watches:
                self._pending.append((path, False))

    def _moved_away(self, path: bytes, is_directory: bool) -> None:
        self._changes.tell("deleted", path, directory=is_directory, moved_out=True)
        if is_directory:
            for known in [p for p in self._watches if p == path or p.startswith(path + b"/")]:
                self._inotify.unwatch(self._watches[known])
                self._forget(self._watches[known], known)

    def _rename_below(self, before: bytes, now: bytes) -> None:
        for old in [p for p in self._watches if p == before or p.startswith(before + b"/")]:
            new = now + old[len(before) :]
            watch = self._watches.pop(old)
            self._watches[new] = watch
            self._paths[watch] = new

    def _forget(self, watch: int, directory: bytes) -> None:
        self._paths.pop(watch, None)
        self._fresh.pop(watch, None)
        if self._watches.get(directory) == watch:
            del self._watches[directory]

    def _place_gone(self, directory: bytes) -> None:
        """A watched directory itself is gone; only of places nobody else tells."""
        if directory in self._changes.places and not os.path.isdir(directory):
            self._changes.tell("deleted", directory, directory=True)
            with contextlib.suppress(KeyError):
                self._inotify.unwatch(self._watches[directory])
                self._forget(self._watches[directory], directory)
            self._missing.add(directory)

    def _overflowed(self) -> None:
        """The kernel dropped what it had no room for: say so, and look where new directories are."""
        self._changes.tell_gap("kernel_queue_overflow")
        self._fresh.clear()
        for place in self._changes.places:
            self._pending.append((place, False))


def _text(path: bytes) -> str:
    return path.decode("utf-8", "replace")
