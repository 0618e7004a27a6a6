"""The registry's table: one row a pid, in order, and safe against exits that are noticed late."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roost.daemon.process_identity import Entry
from roost.daemon.process_store import ProcessStore
from roost.errors import RoostError

ENTRY = Entry(10, 1000.5, "subprocess", "prog", "/", "tool:7", "contained", 1001.25, "boot", 5000, 7, 100, True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ProcessStore]:
    one = ProcessStore(str(tmp_path / "deep/er/registry.sqlite3"))
    yield one
    one.close()
    one._thread.shutdown()


async def test_an_entry_comes_back_as_it_was(store: ProcessStore) -> None:
    row = await store.add(ENTRY)
    assert await store.entries() == [replace(ENTRY, row=row)]
    nameless = replace(ENTRY, pid=11, start_ticks=None, spawned=False)
    assert (await store.entries(pid=11)) == []
    row = await store.add(nameless)
    assert (await store.entries(pid=11)) == [replace(nameless, row=row)]


async def test_a_second_registration_of_a_pid_replaces_the_first_and_counts_as_newest(store: ProcessStore) -> None:
    for pid in (1, 2, 3):
        await store.add(replace(ENTRY, pid=pid))
    await store.add(replace(ENTRY, pid=1, command="again"))
    assert [(e.pid, e.command) for e in await store.entries()] == [(2, "prog"), (3, "prog"), (1, "again")]
    assert await store.count() == 3


async def test_a_late_exit_does_not_remove_the_next_owner_of_the_pid(store: ProcessStore) -> None:
    old = await store.add(ENTRY)
    await store.remove_pid(ENTRY.pid)
    new = await store.add(ENTRY)
    await store.remove_rows([old])
    assert [e.row for e in await store.entries()] == [new]
    await store.remove_rows([])
    assert await store.remove_pid(ENTRY.pid) is True and await store.remove_pid(ENTRY.pid) is False


async def test_the_prefix_is_compared_as_text_not_as_a_pattern(store: ProcessStore) -> None:
    for pid, originator in enumerate(("tool:1", "tool2:1", "to%l:1", "tool", "TOOL:1", "Ünicode:1"), 1):
        await store.add(replace(ENTRY, pid=pid, originator=originator))
    assert [e.pid for e in await store.entries(prefix="tool:")] == [1]
    assert [e.pid for e in await store.entries(prefix="to%l:")] == [3]
    assert [e.pid for e in await store.entries(prefix="Ünicode:")] == [6]


async def test_the_file_is_private_and_another_programs_tables_stay(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE tracked (pid INTEGER)")
        db.execute("INSERT INTO tracked VALUES (1)")
    db.close()
    fresh = tmp_path / "fresh.sqlite3"
    for at in (path, fresh):
        store = ProcessStore(str(at))
        await store.add(ENTRY)
        store.close()
        store._thread.shutdown()
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    db = sqlite3.connect(path)
    assert db.execute("SELECT pid FROM tracked").fetchall() == [(1,)]
    db.close()


async def test_a_file_that_is_no_database_is_refused_by_name_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("dear all, " * 100)
    store = ProcessStore(str(path))
    with pytest.raises(RoostError, match=r"letter\.txt.*move it away"):
        await store.add(ENTRY)
    store.close()
    store._thread.shutdown()
    assert path.read_text().startswith("dear all")


async def test_many_at_once_are_all_stored(store: ProcessStore) -> None:
    await asyncio.gather(*(store.add(replace(ENTRY, pid=pid)) for pid in range(200)))
    assert await store.count() == 200
