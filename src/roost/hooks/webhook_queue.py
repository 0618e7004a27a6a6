"""A webhook's queue on disk: what waits, what was given up (dead letters), and how far it got in the stream of events.

Owns the file. Every method is one transaction; whoever is killed between two finds every message that was put in, and
sends again only what it had not taken out. Used in one thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS message_due ON message (dead, attempts, number);
CREATE INDEX IF NOT EXISTS message_next ON message (dead, next_at);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

#: Rows of one statement; four parameters each, of which SQLite has allowed 999 for longest.
_ROWS = 200


@dataclass(frozen=True, slots=True)
class Message:
    """One request to be made. kind: its content type."""

    number: int
    event_id: str
    kind: str
    body: bytes
    created_at: float
    attempts: int


class WebhookQueue:
    """The file. Every method may raise sqlite3.Error."""

    def __init__(self, path: str, limit: int) -> None:
        """`limit`: how many messages may wait, and how many dead letters are kept."""
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._limit = limit
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self.name = self._fact("name") or self._make_name()
        self._waiting, self._dead = (self._count(dead) for dead in (0, 1))

    def _make_name(self) -> str:
        name = os.urandom(4).hex()
        self._set_fact("name", name)
        return name

    def _fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def _set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def _count(self, dead: int) -> int:
        return int(self._db.execute("SELECT count(*) FROM message WHERE dead = ?", (dead,)).fetchone()[0])

    @property
    def counts(self) -> tuple[int, int]:
        """How many wait, and how many are dead letters."""
        return self._waiting, self._dead

    def reached(self) -> str:
        """The id of the last event that was put in; "" before the first."""
        return self._fact("reached")

    def set_reached(self, event_id: str) -> None:
        """Have the next daemon go on behind that event."""
        self._set_fact("reached", event_id)

    @property
    def gone(self) -> str:
        """The address that wants nothing any more, "" when none said so."""
        return self._fact("gone")

    @gone.setter
    def gone(self, url: str) -> None:
        self._set_fact("gone", url)

    def put(self, messages: Sequence[tuple[str, str, bytes]], reached: str, now: float) -> int:
        """Add messages (event id, content type, body); how many older ones had to go for want of room."""
        with self._db:
            self._db.execute("BEGIN")
            for first in range(0, len(messages), _ROWS):
                self._insert(messages[first : first + _ROWS], now)
            self._set_fact("reached", reached)
            over = max(0, self._waiting + len(messages) - self._limit)
            self._drop_oldest(0, over)
        self._waiting += len(messages) - over
        return over

    def _insert(self, messages: Sequence[tuple[str, str, bytes]], now: float) -> None:
        """One statement, so that the interpreter is free for the daemon's loop meanwhile, and asked for once."""
        rows = ",".join(["(?, ?, ?, ?)"] * len(messages))
        values = [value for message in messages for value in (*message, now)]
        self._db.execute(f"INSERT INTO message (event_id, kind, body, created_at) VALUES {rows}", values)

    def _drop_oldest(self, dead: int, count: int) -> None:
        if count > 0:
            self._db.execute(
                "DELETE FROM message WHERE number IN "
                "(SELECT number FROM message WHERE dead = ? ORDER BY number LIMIT ?)",
                (dead, count),
            )

    def due(self, now: float) -> Message | None:
        """What to send next: what was tried least often, so that one bad message does not keep the others back."""
        row = self._db.execute(
            "SELECT number, event_id, kind, body, created_at, attempts FROM message "
            "WHERE dead = 0 AND next_at <= ? ORDER BY attempts, number LIMIT 1",
            (now,),
        ).fetchone()
        return Message(*row) if row else None

    def next_at(self) -> float | None:
        """When something is due next; None when nothing waits."""
        found = self._db.execute("SELECT min(next_at) FROM message WHERE dead = 0").fetchone()[0]
        return None if found is None else float(found)

    def oldest_at(self) -> float | None:
        """When the oldest message that waits was put in."""
        row = self._db.execute(
            "SELECT created_at FROM message NOT INDEXED WHERE dead = 0 ORDER BY number LIMIT 1"
        ).fetchone()
        return float(row[0]) if row else None

    def remove(self, message: Message) -> None:
        """It was taken."""
        self._waiting -= self._db.execute("DELETE FROM message WHERE number = ?", (message.number,)).rowcount

    def postpone(self, message: Message, next_at: float, error: str) -> None:
        """It was tried and failed; try again then."""
        self._db.execute(
            "UPDATE message SET attempts = attempts + 1, next_at = ?, error = ? WHERE number = ?",
            (next_at, error, message.number),
        )

    def bury(self, message: Message, error: str) -> None:
        """It is given up: a dead letter from now on. The oldest of too many go."""
        with self._db:
            self._db.execute("BEGIN")
            found = self._db.execute(
                "UPDATE message SET attempts = attempts + 1, dead = 1, error = ? WHERE number = ? AND dead = 0",
                (error, message.number),
            ).rowcount
            over = max(0, self._dead + found - self._limit)
            self._drop_oldest(1, over)
        self._waiting -= found
        self._dead += found - over

    def revive(self) -> int:
        """Let everything be tried anew, dead letters too; how many messages that are."""
        with self._db:
            self._db.execute("BEGIN")
            waiting = self._db.execute("UPDATE message SET attempts = 0, next_at = 0 WHERE dead = 0").rowcount
            found = self._db.execute("UPDATE message SET dead = 0, attempts = 0, next_at = 0 WHERE dead = 1").rowcount
        self._waiting += found
        self._dead -= found
        return waiting + found

    def close(self) -> None:
        """Close the file."""
        self._db.close()
