"""The history of sessions: what ran, when, and how it ended, also of sessions that were purged or lost.

Owns the table and how lifecycle events change it; runs in the journal's thread and in its transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roost.core.events import Event

if TYPE_CHECKING:
    import sqlite3

TABLES = (
    """CREATE TABLE IF NOT EXISTS roost_history_1 (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, originator TEXT NOT NULL, kind TEXT NOT NULL, argv TEXT NOT NULL,
      cwd TEXT NOT NULL, labels TEXT NOT NULL, service TEXT, pid INTEGER, started_at REAL NOT NULL,
      exited_at REAL, exit_code INTEGER, signal INTEGER, outcome TEXT, purged_at REAL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS roost_history_by_start_1 ON roost_history_1 (started_at)",
)
_COLUMNS = (
    "id",
    "name",
    "originator",
    "kind",
    "argv",
    "cwd",
    "labels",
    "service",
    "pid",
    "started_at",
    "exited_at",
    "exit_code",
    "signal",
    "outcome",
    "purged_at",
)
#: The outcome of a session whose end nobody saw.
LOST = "lost"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which sessions of the history. `target`: an id, its beginning, or a name. Times in Unix seconds."""

    target: str = ""
    originator: str = ""
    failed: bool = False
    running: bool = False
    since: float | None = None
    until: float | None = None
    limit: int = 100


def take_note(db: sqlite3.Connection, events: Sequence[Event]) -> None:
    """Put down what lifecycle events say."""
    for event in events:
        if event.category == "lifecycle" and event.session_id and event.type in _NOTES:
            sql, values = _NOTES[event.type]
            db.execute(sql, values(event))


def _spawned(event: Event) -> tuple[Any, ...]:
    data = event.data
    return (
        event.session_id,
        event.session_name,
        event.originator,
        data["kind"],
        _text(data["argv"]),
        data["cwd"].encode("utf-8", "replace").decode(),
        _text(data["labels"]),
        data.get("service"),
        data["pid"],
        event.at,
    )


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _exited(event: Event) -> tuple[Any, ...]:
    data = event.data
    return (data["exited_at"] or event.at, data["code"], data["signal"], data["outcome"], event.session_id)


_NOTES = {
    "spawned": (
        f"INSERT OR IGNORE INTO roost_history_1 ({', '.join(_COLUMNS[:10])}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _spawned,
    ),
    "exited": (
        "UPDATE roost_history_1 SET exited_at = ?, exit_code = ?, signal = ?, outcome = ? WHERE id = ?",
        _exited,
    ),
    "renamed": (
        "UPDATE roost_history_1 SET name = ? WHERE id = ?",
        lambda event: (event.data["to"], event.session_id),
    ),
    "purged": (
        "UPDATE roost_history_1 SET purged_at = ? WHERE id = ?",
        lambda event: (event.at, event.session_id),
    ),
}


def told(db: sqlite3.Connection) -> dict[str, bool]:
    """Sessions that were not purged: whether their end was told."""
    found = db.execute("SELECT id, outcome IS NOT NULL FROM roost_history_1 WHERE purged_at IS NULL")
    return {id: bool(ended) for id, ended in found}


def note_lost(db: sqlite3.Connection, present: set[str]) -> None:
    """What runs according to the history and is not there has ended unseen."""
    running = db.execute("SELECT id FROM roost_history_1 WHERE outcome IS NULL").fetchall()
    lost = [(LOST, id) for (id,) in running if id not in present]
    if lost:
        db.executemany("UPDATE roost_history_1 SET outcome = ? WHERE id = ?", lost)


def trim(db: sqlite3.Connection, most: int) -> None:
    """Forget the oldest purged or lost sessions above that number."""
    db.execute(
        "DELETE FROM roost_history_1 WHERE (purged_at IS NOT NULL OR outcome = ?) AND started_at <= "
        "(SELECT started_at FROM roost_history_1 ORDER BY started_at DESC LIMIT 1 OFFSET ?)",
        (LOST, most),
    )


def read(db: sqlite3.Connection, wish: Wish) -> list[dict[str, Any]]:
    """The sessions that were asked for, the latest start first."""
    conditions, values = ["1"], []
    for given, condition in (
        (wish.originator, "originator = ?"),
        (wish.since, "started_at >= ?"),
        (wish.until, "started_at <= ?"),
    ):
        if given:
            conditions.append(condition)
            values.append(given)
    if wish.target:
        conditions.append("(name = ? OR substr(id, 1, ?) = ?)")
        values += [wish.target, len(wish.target), wish.target]
    if wish.failed:
        conditions.append("(outcome IS NOT NULL AND exit_code IS NOT 0)")
    if wish.running:
        conditions.append("outcome IS NULL")
    sql = f"SELECT {', '.join(_COLUMNS)} FROM roost_history_1 WHERE {' AND '.join(conditions)}"
    rows = db.execute(f"{sql} ORDER BY started_at DESC LIMIT ?", (*values, wish.limit))
    return [_told(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "argv": json.loads(row["argv"]), "labels": json.loads(row["labels"])}
