"""The journal: events in SQLite, in the order of their ids, until they are too old or too many.

Owns the tables of events and the transaction in which a batch becomes durable: its lines, what it says of the history
of sessions, and the states of observers. Everything here runs in the file's thread, except `open_now`. A batch that is
committed survives a SIGKILL; the page cache is not forced to the disk.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from roost.core.event_buffer import BufferState, Key, Missed
from roost.core.event_entry import Entry
from roost.core.events import Event, EventFilter
from roost.daemon.events import history
from roost.daemon.sqlite_file import SqliteFile
from roost.errors import RoostError

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS roost_events_1 (
  epoch INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL,
  session TEXT NOT NULL, category TEXT NOT NULL, type TEXT NOT NULL, line BLOB NOT NULL,
  PRIMARY KEY (epoch, seq)
) WITHOUT ROWID
"""
_TABLES = (
    "CREATE INDEX IF NOT EXISTS roost_events_of_session_1 ON roost_events_1 (session, epoch, seq)",
    "CREATE TABLE IF NOT EXISTS roost_journal_1 (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS roost_observers_1 (
      id TEXT PRIMARY KEY, session TEXT NOT NULL, state TEXT NOT NULL
    ) WITHOUT ROWID""",
)
#: Rows looked at or deleted in one go, so that no read or write waits for long.
_ROWS = 2000
#: How much is left when the size was exceeded.
_LEFT = 0.9
_AGE_CHECK_S = 600.0


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept: events of these categories (None: of all), for so long, up to so many bytes of lines."""

    categories: frozenset[str] | None = None
    age_s: float = 30 * 86400.0
    size_bytes: int = 256 << 20
    sessions: int = 20_000

    def keeps(self, category: str) -> bool:
        """Whether events of that category are stored."""
        return self.categories is None or category in self.categories


@dataclass(slots=True)
class Extent:
    """What the journal has. `settled`: the last event that went through it. `trimmed`: the last one deleted."""

    settled: Key = (0, 0)
    trimmed: Key = (0, 0)
    size_bytes: int = 0


@dataclass(slots=True)
class Batch:
    """What is made durable at once. `observers`: new states, None for one that is gone."""

    events: Sequence[Event] = ()
    observers: Mapping[str, tuple[str, BufferState] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A batch that went through: its events encoded, and why it could not be stored."""

    entries: list[Entry]
    error: RoostError | None
    extent: Extent


class Journal(SqliteFile):
    """The file. `extent` is replaced after every batch."""

    def __init__(self, path: str, retention: Retention) -> None:
        super().__init__(path, what="event journal", schema=_SCHEMA)
        self.path = path
        self.retention = retention
        self._extent = Extent()
        self._aged_at = 0.0

    def open_now(self) -> Extent:
        """Open the file here and now, before its thread is used; one that is no journal is moved away.

        Raises RoostError when there can be none; `write` tries again.
        """
        try:
            return self._perform(lambda _db: self._extent)
        except RoostError as error:
            if not _is_broken(error):
                raise
            aside = f"{self.path}.broken-{int(time.time())}"
            log.error("%s is not a database any more and was moved to %s", self.path, aside)
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(self.path + suffix):
                    os.replace(self.path + suffix, aside + suffix)
            return self._perform(lambda _db: self._extent)

    def _open(self) -> sqlite3.Connection:
        db = super()._open()
        try:
            for statement in (*_TABLES, *history.TABLES):
                db.execute(statement)
            self._extent = _read_extent(db)
        except BaseException:
            db.close()
            raise
        return db

    # --- writing --------------------------------------------------------------------------------------------------

    async def write(self, batch: Batch) -> Written:
        """Make a batch durable. Raises nothing: what cannot be stored comes back with the reason."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)

    def _write(self, batch: Batch) -> Written:
        entries = [Entry.of(event) for event in batch.events]
        try:
            extent = self._perform(lambda db: self._store(db, batch, entries))
        except RoostError as error:
            return Written(entries, error, self._extent)
        except Exception as error:  # a defect must not end the daemon
            log.exception("a batch of events could not be stored")
            return Written(entries, RoostError(f"the event journal failed: {error!r}"), self._extent)
        return Written(entries, None, extent)

    def _store(self, db: sqlite3.Connection, batch: Batch, entries: list[Entry]) -> Extent:
        before = self._extent
        after = Extent(before.settled, before.trimmed, before.size_bytes)
        db.execute("BEGIN IMMEDIATE")
        try:
            rows = [
                (*entry.key, event.at, entry.session_id, entry.category, entry.type, entry.line)
                for entry, event in zip(entries, batch.events, strict=True)
                if self.retention.keeps(entry.category)
            ]
            db.executemany("INSERT OR REPLACE INTO roost_events_1 VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            after.size_bytes += sum(len(row[-1]) for row in rows)
            if entries:
                after.settled = entries[-1].key
            history.take_note(db, batch.events)
            _store_observers(db, batch.observers)
            self._trim(db, after)
            _write_extent(db, after)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite has ended it already where the disk is full; the reason must stay that one
                db.execute("ROLLBACK")
            raise
        self._extent = after
        return after

    def _trim(self, db: sqlite3.Connection, extent: Extent) -> None:
        now = time.time()
        if extent.size_bytes > self.retention.size_bytes:
            self._delete(db, extent, until_bytes=int(self.retention.size_bytes * _LEFT), before=0.0)
        elif now - self._aged_at > _AGE_CHECK_S:
            self._aged_at = now
            self._delete(db, extent, until_bytes=1 << 62, before=now - self.retention.age_s)
            history.trim(db, self.retention.sessions)

    def _delete(self, db: sqlite3.Connection, extent: Extent, *, until_bytes: int, before: float) -> None:
        """Delete the oldest events while there are more than so many bytes or they are older than that."""
        last: Key | None = None
        for epoch, seq, at, size in db.execute(
            "SELECT epoch, seq, at, length(line) FROM roost_events_1 ORDER BY epoch, seq"
        ):
            if extent.size_bytes <= until_bytes and at >= before:
                break
            last = (epoch, seq)
            extent.size_bytes -= size
        if last is not None:
            db.execute("DELETE FROM roost_events_1 WHERE (epoch, seq) <= (?, ?)", last)
            extent.trimmed = last

    # --- reading --------------------------------------------------------------------------------------------------

    async def read(
        self, after: Key, through: Key, want: EventFilter, limit: int, *, newest: bool = False
    ) -> tuple[list[Entry], Key]:
        """Up to `limit` events that pass, in (after, through], the oldest or the newest of them; and the key up to
        which was looked."""
        return await self._run(lambda db: _read(db, after, through, want, limit, newest=newest))

    async def before(self, session_id: str) -> Key:
        """A key before a session's first event, behind everything that cannot be about it; (0, 0) where its beginning
        is not there."""
        return await self._run(lambda db: _before(db, session_id))

    async def query(self, wish: history.Wish) -> list[dict[str, Any]]:
        """The history of sessions, the latest first."""
        return await self._run(lambda db: history.read(db, wish))

    async def count(self) -> int:
        """How many events there are."""
        return await self._run(lambda db: int(db.execute("SELECT count(*) FROM roost_events_1").fetchone()[0]))

    def told_now(self) -> dict[str, bool]:
        """Sessions whose start was told, and whether their end was; before the thread is used."""
        return self._perform(history.told)

    def note_lost_now(self, present: set[str]) -> None:
        """Sessions that are neither here nor known to have ended are lost; before the thread is used."""
        self._perform(lambda db: history.note_lost(db, present))

    def observers_now(self) -> dict[str, BufferState]:
        """States of observers by id; before the thread is used."""
        return self._perform(_observers)


def _is_broken(error: RoostError) -> bool:
    return any(words in error.message for words in ("not a database", "malformed", "unsupported file format"))


def _read_extent(db: sqlite3.Connection) -> Extent:
    known = dict(db.execute("SELECT key, value FROM roost_journal_1"))
    extent = Extent(
        (int(known.get("settled_epoch", 0)), int(known.get("settled_seq", 0))),
        (int(known.get("trimmed_epoch", 0)), int(known.get("trimmed_seq", 0))),
        int(known.get("size_bytes", 0)),
    )
    if not known:
        db.execute("INSERT INTO roost_journal_1 VALUES ('version', ?)", (str(_VERSION),))
    return extent


def _write_extent(db: sqlite3.Connection, extent: Extent) -> None:
    values = {
        "settled_epoch": extent.settled[0],
        "settled_seq": extent.settled[1],
        "trimmed_epoch": extent.trimmed[0],
        "trimmed_seq": extent.trimmed[1],
        "size_bytes": extent.size_bytes,
    }
    db.executemany("INSERT OR REPLACE INTO roost_journal_1 VALUES (?, ?)", [(k, str(v)) for k, v in values.items()])


def _read(
    db: sqlite3.Connection, after: Key, through: Key, want: EventFilter, limit: int, *, newest: bool = False
) -> tuple[list[Entry], Key]:
    conditions = ["(epoch, seq) > (?, ?)", "(epoch, seq) <= (?, ?)"]
    values: list[Any] = [*after, *through]
    if want.session_ids is not None:
        conditions.append(f"session IN ({_marks(len(want.session_ids) + 1)})")
        values += [*sorted(want.session_ids), ""]
    if want.categories is not None:
        conditions.append(f"category IN ({_marks(len(want.categories) + 1)})")
        values += [*sorted(want.categories), "lifecycle"]
    sql = f"SELECT epoch, seq, category, type, session, line FROM roost_events_1 WHERE {' AND '.join(conditions)}"
    found: list[Entry] = []
    if newest:
        newest_first = db.execute(f"{sql} ORDER BY epoch DESC, seq DESC LIMIT {_ROWS}", values)
        entries = (Entry((row[0], row[1]), *row[2:]) for row in newest_first)
        found = list(islice((entry for entry in entries if want.wants(entry)), limit))
        return found[::-1], through
    rows = db.execute(f"{sql} ORDER BY epoch, seq LIMIT {_ROWS}", values).fetchall()
    for row in rows:
        entry = Entry((row[0], row[1]), *row[2:])
        if want.wants(entry):
            found.append(entry)
            if len(found) == limit:
                return found, entry.key
    return found, through if len(rows) < _ROWS else (rows[-1][0], rows[-1][1])


def _before(db: sqlite3.Connection, session_id: str) -> Key:
    first = "SELECT epoch, seq, type FROM roost_events_1 WHERE session = ? ORDER BY epoch, seq LIMIT 1"
    found = db.execute(first, (session_id,)).fetchone()
    return (found[0], found[1] - 1) if found and found[2] == "spawned" else (0, 0)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _store_observers(db: sqlite3.Connection, states: Mapping[str, tuple[str, BufferState] | None]) -> None:
    for id, given in states.items():
        if given is None:
            db.execute("DELETE FROM roost_observers_1 WHERE id = ?", (id,))
        else:
            session, s = given
            gone = [[one.first, one.last, one.count] for one in s.gone]
            told = json.dumps([s.delivered, s.missed, s.cursor, s.handed_out, gone])
            db.execute("INSERT OR REPLACE INTO roost_observers_1 VALUES (?, ?, ?)", (id, session, told))


def _observers(db: sqlite3.Connection) -> dict[str, BufferState]:
    states = {}
    for id, told in db.execute("SELECT id, state FROM roost_observers_1"):
        delivered, missed, cursor, handed_out, gone = json.loads(told)
        ranges = tuple(Missed((a[0], a[1]), (b[0], b[1]), sum(count)) for a, b, *count in gone)
        states[id] = BufferState(delivered, missed, (cursor[0], cursor[1]), (handed_out[0], handed_out[1]), ranges)
    return states
