"""One SQLite file and the thread that it is used in, so that the loop never waits for a disk.

Owns the connection: opened at the first use, private to the user, errors told with the file's name. The tables
are those of the class that builds on it.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from roost.errors import RoostError

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

_BUSY_S = 5.0


class SqliteFile:
    """A file that is used in one thread. Raises RoostError (internal) that names the file when it cannot be used."""

    def __init__(self, path: str, *, what: str, schema: str) -> None:
        """`what` names it in errors; `schema` is one statement that may be executed again and again."""
        self._path = path
        self._what = what
        self._schema = schema
        self._thread = ThreadPoolExecutor(1, what.replace(" ", "-"))
        self._connection: sqlite3.Connection | None = None

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._perform, work)

    def close(self) -> None:
        """Close the file once what was asked for is done; nothing may be asked afterwards."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    # --- in the thread --------------------------------------------------------------------------------------------

    def _perform(self, work: Callable[[sqlite3.Connection], T]) -> T:
        import sqlite3

        try:
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            full = "full" in str(error) or getattr(error, "errno", None) == errno.ENOSPC
            advice = "free some space (`df {0}`)" if full else "look at `ls -l {0}`, or move it away"
            raise RoostError(
                f"the {self._what} {self._path} cannot be used: {error}; {advice.format(self._path)}"
            ) from error

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        os.makedirs(os.path.dirname(self._path) or ".", mode=0o700, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(self._schema)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
