"""What an observer's reader is sent: nothing that the next daemon would not know to be on its way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from roost.core.event_buffer import BufferState
from roost.core.events import EventFilter
from roost.daemon.bus import EventBus
from roost.daemon.events.journal import Journal, Retention
from roost.daemon.events.log import EventLog
from roost.daemon.events.observer_calls import ObserverStream
from roost.daemon.events.observers import Observer
from roost.daemon.record import ObserverRecord


async def test_what_is_sent_is_known_to_be_on_its_way_before(tmp_path: Path) -> None:
    path = str(tmp_path / "events.sqlite3")
    bus = EventBus(1)
    journal = Journal(path, Retention())
    log = EventLog(asyncio.get_running_loop(), bus, journal, journal.open_now())
    record = ObserverRecord(id="o", categories=["agent"], capacity=3, block=False, since="0.0")
    session: Any = SimpleNamespace(id="", record=SimpleNamespace(name=""))
    observer = Observer(log, session, record, BufferState())
    observer.want = EventFilter(categories=frozenset({"agent"}))
    observer.start_fresh()
    log.add(observer)
    stream = ObserverStream(observer, None)
    sent: list[dict[str, Any]] = []

    async def send(_told: dict[str, Any], data: bytes) -> None:
        events = [json.loads(line) for line in data.splitlines()]
        beside = Journal(path, Retention())
        state = beside.observers_now()["o"]
        beside.close()
        assert ".".join(map(str, state.handed_out)) == events[-1]["id"], "a daemon that is killed now leaves no doubt"
        assert state.missed == sum(e["data"]["count"] for e in [*sent, *events] if e["type"] == "gap")
        sent.extend(events)
        if sent[-1]["data"].get("n") == 10:
            stream.close()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(log.run())
        for n in range(5):
            bus.emit(None, "agent", "generic", {"n": n})
        await log.settle(log.last)
        reading = tasks.create_task(stream.run(send))
        while not sent:
            await asyncio.sleep(0)
        bus.emit(None, "agent", "generic", {"n": 10})
        await reading
        await log.close()
        running.cancel()
    assert [event["data"].get("n") for event in sent] == [None, 2, 3, 4, 10]


async def test_what_the_journal_does_not_keep_is_a_gap_after_a_new_daemon(tmp_path: Path) -> None:
    bus = EventBus(1)
    journal = Journal(str(tmp_path / "events.sqlite3"), Retention(categories=frozenset({"lifecycle"})))
    log = EventLog(asyncio.get_running_loop(), bus, journal, journal.open_now())
    record = ObserverRecord(id="o", categories=["agent", "lifecycle"], capacity=3, block=False, since="0.0")
    session: Any = SimpleNamespace(id="", record=SimpleNamespace(name=""))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(log.run())
        bus.emit(None, "agent", "generic")
        await log.settle(log.last)
        observer = Observer(log, session, record, BufferState())
        await observer.refill()
        assert [(n.data["reason"], n.data["category"], n.data["count"]) for n in observer.notices] == [
            ("not_kept", "agent", None)
        ]
        await log.close()
        running.cancel()
