"""The registry's table in SQLite: one row a pid.

Owns the schema. Knows nothing of /proc. The table has a name of its own: the file may be one that
another program keeps a registry in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from roost.daemon.process_identity import Entry
from roost.daemon.sqlite_file import SqliteFile

if TYPE_CHECKING:
    import sqlite3

_COLUMNS = (
    "pid, created_at, kind, command, cwd, originator, containment, registered_at, boot_id, start_ticks, "
    "parent_pid, parent_ticks, spawned"
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS roost_processes_1 (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  pid INTEGER NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  kind TEXT NOT NULL, command TEXT NOT NULL, cwd TEXT NOT NULL, originator TEXT NOT NULL, containment TEXT NOT NULL,
  registered_at REAL NOT NULL,
  boot_id TEXT NOT NULL, start_ticks INTEGER,
  parent_pid INTEGER NOT NULL, parent_ticks INTEGER NOT NULL,
  spawned INTEGER NOT NULL
)
"""


class ProcessStore(SqliteFile):
    """Entries by pid. Every method raises RoostError (internal) that names the file when it cannot be used."""

    def __init__(self, path: str) -> None:
        super().__init__(path, what="process registry", schema=_SCHEMA)

    async def add(self, entry: Entry) -> int:
        """Store an entry in the place of one of the same pid; its row, which is never given again."""
        values = (
            entry.pid,
            round(entry.created_at * 1000),
            entry.kind,
            entry.command,
            entry.cwd,
            entry.originator,
            entry.containment,
            entry.registered_at,
            entry.boot_id,
            entry.start_ticks,
            entry.parent_pid,
            entry.parent_ticks,
            int(entry.spawned),
        )
        marks = ", ".join("?" * len(values))

        def write(db: sqlite3.Connection) -> int:
            sql = f"INSERT OR REPLACE INTO roost_processes_1 ({_COLUMNS}) VALUES ({marks})"
            return int(db.execute(sql, values).lastrowid or 0)

        return await self._run(write)

    async def remove_pid(self, pid: int) -> bool:
        """Forget the entry of a pid; False when there is none."""
        return await self._run(
            lambda db: db.execute("DELETE FROM roost_processes_1 WHERE pid = ?", (pid,)).rowcount > 0
        )

    async def remove_rows(self, rows: list[int]) -> None:
        """Forget exactly these entries; a later registration of the same pid stays."""
        keys = [(row,) for row in rows]
        if keys:
            await self._run(lambda db: db.executemany("DELETE FROM roost_processes_1 WHERE row = ?", keys))

    async def entries(self, *, pid: int | None = None, prefix: str = "") -> list[Entry]:
        """The entries, oldest registration first: all, that of one pid, those whose originator starts with `prefix`."""

        def read(db: sqlite3.Connection) -> list[Entry]:
            sql = f"SELECT {_COLUMNS}, row FROM roost_processes_1"
            if pid is not None:
                found = db.execute(f"{sql} WHERE pid = ?", (pid,))
            else:
                found = db.execute(f"{sql} WHERE substr(originator, 1, ?) = ? ORDER BY row", (len(prefix), prefix))
            return [_entry(values) for values in found]

        return await self._run(read)

    async def count(self) -> int:
        """How many entries there are."""
        return await self._run(lambda db: int(db.execute("SELECT count(*) FROM roost_processes_1").fetchone()[0]))


def _entry(values: tuple[Any, ...]) -> Entry:
    entry = Entry(*values)
    return replace(entry, created_at=entry.created_at / 1000, spawned=bool(entry.spawned))
