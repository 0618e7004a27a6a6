"""The registry's table in SQLite: one row a pid, in a thread of its own so that the loop never waits for a disk.

Owns the schema and the connection. Knows nothing of /proc. The table has a name of its own: the file may be one that
another program keeps a registry in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from roost.daemon.process_identity import Entry
from roost.errors import RoostError

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

_BUSY_S = 5.0
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


class ProcessStore:
    """Entries by pid. Every method raises RoostError (internal) that names the file when it cannot be used."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "process-store")
        self._connection: sqlite3.Connection | None = None

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

    def close(self) -> None:
        """Close the file once what was asked for is done; nothing may be asked afterwards."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._perform, work)

    # --- in the thread --------------------------------------------------------------------------------------------

    def _perform(self, work: Callable[[sqlite3.Connection], T]) -> T:
        import sqlite3

        try:
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise RoostError(
                f"the process registry {self._path} cannot be used: {error}; "
                f"look at `ls -l {self._path}`, or move it away"
            ) from error

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        os.makedirs(os.path.dirname(self._path) or ".", mode=0o700, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(_SCHEMA)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _entry(values: tuple[Any, ...]) -> Entry:
    entry = Entry(*values)
    return replace(entry, created_at=entry.created_at / 1000, spawned=bool(entry.spawned))
