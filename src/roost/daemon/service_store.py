"""The services in SQLite: one row each with its definition, where it stands, and which session is its present run.

Owns the schema and the JSON in it. Beside it the snapshot that `save` writes and `resurrect` reads.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from roost.core.service import Definition
from roost.core.supervision import Life
from roost.daemon.sqlite_file import SqliteFile
from roost.errors import NoRunError, RoostError

if TYPE_CHECKING:
    import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS roost_services_1 (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL,
  life TEXT NOT NULL,
  run_id TEXT NOT NULL,
  session_id TEXT NOT NULL
)
"""


@dataclass(slots=True)
class ServiceRow:
    """A service as it is kept. `run_id`: spawn id of its latest run, stored before the spawn; `session_id` after it."""

    id: int
    definition: Definition
    life: Life
    run_id: str = ""
    session_id: str = ""


class Saved(msgspec.Struct, frozen=True):
    """One service of a snapshot. `active`: it was meant to run."""

    definition: Definition
    active: bool


class ServiceStore(SqliteFile):
    """Services by id. Every method raises RoostError (internal) that names the file when it cannot be used."""

    def __init__(self, state_dir: str) -> None:
        super().__init__(os.path.join(state_dir, "services.sqlite3"), what="service registry", schema=_SCHEMA)
        self.snapshot_path = os.path.join(state_dir, "services.json")

    async def load(self) -> list[ServiceRow]:
        """All services, by id. No file is made, and no SQLite loaded, where there is none."""

        def read(db: sqlite3.Connection) -> list[ServiceRow]:
            found = db.execute("SELECT id, definition, life, run_id, session_id FROM roost_services_1 ORDER BY id")
            try:
                return [_row(*values) for values in found]
            except (msgspec.ValidationError, msgspec.DecodeError) as error:
                raise RoostError(f"a row of {self._path} cannot be read: {error}; move the file away") from error

        return await self._run(read) if self._exists() else []

    def _exists(self) -> bool:
        return os.path.exists(self._path)

    async def add(self, definition: Definition) -> ServiceRow:
        """A new service, not running; its id is never given again."""
        row = ServiceRow(0, definition, Life())
        values = (definition.name, *_texts(row))

        def write(db: sqlite3.Connection) -> int:
            sql = "INSERT INTO roost_services_1 (name, definition, life, run_id, session_id) VALUES (?, ?, ?, ?, ?)"
            return int(db.execute(sql, values).lastrowid or 0)

        row.id = await self._run(write)
        return row

    async def save(self, row: ServiceRow) -> None:
        """Store what has changed."""
        values = (*_texts(row), row.id)
        sql = "UPDATE roost_services_1 SET definition = ?, life = ?, run_id = ?, session_id = ? WHERE id = ?"
        await self._run(lambda db: db.execute(sql, values))

    async def remove(self, row: ServiceRow) -> None:
        """Forget a service."""
        key = (row.id,)
        await self._run(lambda db: db.execute("DELETE FROM roost_services_1 WHERE id = ?", key))

    async def write_snapshot(self, saved: list[Saved]) -> None:
        """Replace the snapshot by this one, whole or not at all."""
        body = msgspec.json.format(msgspec.json.encode({"version": 1, "services": saved}))

        def write(_db: sqlite3.Connection) -> None:
            beside = f"{self.snapshot_path}.new"
            with open(beside, "wb", opener=_private) as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.snapshot_path)

        await self._run(write)

    async def read_snapshot(self) -> list[Saved]:
        """What `save` wrote. Raises NoRunError without one."""

        def read(_db: sqlite3.Connection) -> bytes | None:
            with contextlib.suppress(FileNotFoundError), open(self.snapshot_path, "rb") as file:
                return file.read()
            return None

        body = await self._run(read)
        if body is None:
            raise NoRunError(f"there is no snapshot {self.snapshot_path}; `roost service save` writes one")
        try:
            return msgspec.json.decode(body, type=_Snapshot).services
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise RoostError(f"the snapshot {self.snapshot_path} cannot be read: {error}") from error


class _Snapshot(msgspec.Struct):
    services: list[Saved]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _texts(row: ServiceRow) -> tuple[str, str, str, str]:
    definition, life = msgspec.json.encode(row.definition), msgspec.json.encode(row.life)
    return definition.decode(), life.decode(), row.run_id, row.session_id


def _row(id: int, definition: str, life: str, run_id: str, session_id: str) -> ServiceRow:
    return ServiceRow(
        id,
        msgspec.json.decode(definition, type=Definition),
        msgspec.json.decode(life, type=Life),
        run_id,
        session_id,
    )
