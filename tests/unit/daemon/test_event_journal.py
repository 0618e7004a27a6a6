"""The journal and what reads from it: retention with gaps, slow readers, trouble with the disk, losses of a kill."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from roost.core.event_entry import Entry
from roost.core.events import EventFilter
from roost.daemon.bus import EventBus
from roost.daemon.events import log
from roost.daemon.events.area import _tell_lost
from roost.daemon.events.feed import Feed, FeedSpec
from roost.daemon.events.journal import Batch, Journal, Retention, Written
from roost.daemon.events.log import EventLog
from roost.daemon.events.mark import EventMark
from roost.errors import InvalidError, RoostError

ALL = EventFilter()


class World:
    """A bus, a journal and the log between them."""

    def __init__(self, path: Path, epoch: int, retention: Retention) -> None:
        self.bus = EventBus(epoch)
        self.journal = Journal(str(path / "events.sqlite3"), retention)
        extent = self.journal.open_now()
        self.log = EventLog(asyncio.get_running_loop(), self.bus, self.journal, extent)

    def emit(self, count: int, category: str = "agent", size: int = 0) -> None:
        for n in range(count):
            self.bus.emit(None, category, "generic", {"n": n, "filler": "x" * size})

    async def settled(self) -> None:
        await self.log.settle(self.log.last)

    def feed(self, **fields: Any) -> Feed:
        return Feed(self.log, self.bus, FeedSpec(**{"want": ALL, **fields}))


@asynccontextmanager
async def world(path: Path, *, epoch: int = 1, retention: Retention | None = None) -> AsyncIterator[World]:
    one = World(path, epoch, retention or Retention())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(one.log.run())
        try:
            yield one
        finally:
            await one.log.close()
            running.cancel()


async def collect(feed: Feed, done: Callable[[list[Entry]], bool]) -> list[Entry]:
    seen: list[Entry] = []
    async with asyncio.timeout(20):
        while not done(seen):
            seen += await feed.next()
    feed.close()
    return seen


async def test_what_is_too_much_is_deleted_from_the_oldest_and_told_as_a_gap(tmp_path: Path) -> None:
    async with world(tmp_path, retention=Retention(size_bytes=100_000)) as w:
        for _ in range(10):
            w.emit(50, size=1000)
            await w.settled()
        extent = w.log.extent
        assert extent.size_bytes <= 100_000 and extent.trimmed > (0, 0)
        seen = await collect(w.feed(since=(1, 3)), lambda s: bool(s) and s[-1].key == (1, 500))
        gap, *rest = seen
        assert (gap.type, gap.data["after"], gap.data["through"]) == ("gap", "1.3", gap.id)
        assert gap.key == extent.trimmed
        assert [entry.key[1] for entry in rest] == list(range(extent.trimmed[1] + 1, 501)), "no further hole"


async def test_what_is_too_old_is_deleted(tmp_path: Path) -> None:
    async with world(tmp_path, retention=Retention(age_s=60.0)) as w:
        w.bus.emit(None, "agent", "generic", at=1000.0)
        w.emit(1)
        await w.settled()
        assert await w.journal.count() == 1 and w.log.extent.trimmed == (1, 1)


async def test_a_category_that_is_not_kept_is_handed_on_and_its_absence_told(tmp_path: Path) -> None:
    retention = Retention(categories=frozenset({"lifecycle", "agent"}))
    files = EventFilter(categories=frozenset({"file"}))
    async with world(tmp_path, retention=retention) as w:
        live = w.feed(want=files)
        w.emit(3, "file")
        assert len(await collect(live, lambda s: len(s) >= 3)) == 3
        (gap,) = await collect(w.feed(want=files, since=(0, 0)), bool)
        assert (gap.type, gap.data["reason"], gap.data["category"]) == ("gap", "not_kept", "file")


async def test_a_slow_reader_misses_nothing_or_is_told_how_many_or_holds_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        readers = {policy: w.feed(capacity=10, policy=policy) for policy in ("journal", "drop_oldest", "block")}
        w.emit(1000)
        assert not await w.log.room("", "agent", 0.01), "the one that blocks is full"
        await w.settled()
        seen = {p: await collect(r, lambda s: bool(s) and s[-1].key == (1, 1000)) for p, r in readers.items()}
        assert [entry.key[1] for entry in seen["journal"]] == list(range(1, 1001))
        gap, *rest = seen["drop_oldest"]
        assert gap.data["count"] == 990 and [entry.key[1] for entry in rest] == list(range(991, 1001))
        assert (gap.data["after"], gap.data["through"]) == ("1.0", "1.990")
        assert await w.log.room("", "agent", 0.01), "it has gone"


async def test_an_id_of_the_future_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.emit(1)
        w.feed(since=(1, 1)).close()
        with pytest.raises(InvalidError):
            w.feed(since=(1, 2))


async def test_a_reader_that_joins_in_a_flood_has_no_hole_and_no_repeat(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.emit(2000)
        feed = w.feed(since=(1, 0), capacity=50)
        seen: list[Entry] = []
        while len(seen) < 8000:
            if w.bus.seq < 8000:
                w.emit(100)
            seen += await feed.next()
        feed.close()
        assert [entry.key[1] for entry in seen] == list(range(1, 8001))


async def test_events_that_a_killed_daemon_had_numbered_are_told_by_the_next_exactly(tmp_path: Path) -> None:
    path = str(tmp_path / "mark")
    async with world(tmp_path, epoch=4) as w:
        mark = EventMark(path)
        assert mark.previous is None
        w.bus.mark_in(mark.words)
        w.emit(7)
        await w.settled()
        w.bus.mark_in(mark.words)
        w.log._subscription.close()  # from here on nothing becomes durable, as after a SIGKILL
        w.emit(5)
        w.bus.mark_in(None)
        mark.close()
    async with world(tmp_path, epoch=5) as w:
        mark = EventMark(path)
        assert mark.previous == (4, 12)
        _tell_lost(w.bus, mark.previous, w.log.extent)
        mark.close()
        seen = await collect(w.feed(since=(4, 7)), bool)
        data = seen[0].data
        assert (data["reason"], data["after"], data["through"], data["count"]) == ("lost", "4.7", "4.12", 5)


async def test_a_disk_that_refuses_costs_the_journal_and_not_the_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as w:
        real = w.journal._store
        broken = True

        def store(*arguments: Any) -> Any:
            if broken:
                raise RoostError("the disk is full")
            return real(*arguments)

        monkeypatch.setattr(w.journal, "_store", store)
        live = w.feed()
        w.emit(3)
        with pytest.raises(RoostError, match="full"):
            await w.settled()
        assert w.log.check()["ok"] is False
        broken = False
        w.emit(1)
        await w.settled()
        seen = await collect(live, lambda s: "gap" in [entry.type for entry in s])
        assert [entry.type for entry in seen[:3]] == ["generic"] * 3, "handed on all the same"
        gap = next(entry for entry in seen if entry.type == "gap")
        assert (gap.data["reason"], gap.data["after"]) == ("not_stored", "1.0")
        assert gap.data["through"] in ("1.3", "1.4"), "the report of the failure may have been refused too"
        assert w.log.check()["ok"] is True


async def test_what_the_journal_cannot_take_in_time_is_counted_and_the_lifecycle_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Journal):
        async def write(self, batch: Batch) -> Written:
            await gate.wait()
            return await super().write(batch)

    gate = asyncio.Event()
    async with world(tmp_path) as w:
        w.log.journal = Slow(str(tmp_path / "other.sqlite3"), Retention())
        monkeypatch.setattr(log, "PENDING_MOST", 1000)
        w.emit(1040)
        w.emit(1, "lifecycle")
        gate.set()
        await w.settled()
        seen = [e for e in await collect(w.feed(since=w.log.settled), bool) if e.type == "gap"]
        assert (seen[0].data["reason"], seen[0].data["count"]) == ("overflow", 40)
        w.journal.close()


def test_a_file_that_is_no_database_is_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite3"
    path.write_bytes(b"this is no database, and longer than a header of one would be" * 20)
    journal = Journal(str(path), Retention())
    assert journal.open_now().settled == (0, 0)
    journal.close()
    assert any(".broken-" in name for name in os.listdir(tmp_path))


async def test_a_full_disk_is_named_as_the_reason_and_what_comes_when_there_is_room_is_stored(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        pages = w.journal._perform(lambda db: int(db.execute("PRAGMA page_count").fetchone()[0]))
        w.journal._perform(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        w.emit(2000)
        with pytest.raises(RoostError, match=r"full; free some space \(`df"):
            await w.settled()
        w.journal._perform(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone())
        w.emit(1)
        await w.settled()
        assert w.log.check()["ok"]
