"""Events and a dispatcher for tests of hooks, without a daemon around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roost.core.config_sinks import SinkConfig
from roost.core.events import Event
from roost.hooks.command import Place
from roost.hooks.dispatcher import Dispatcher
from roost.hooks.lane import Key
from roost.hooks.making import Workshop
from roost.hooks.sink import Outgoing, Sink

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLACE = Place("/bin/sh", "/tmp", {b"PATH": b"/usr/bin:/bin"})


def event(seq: int, type: str = "exited", *, category: str = "lifecycle", epoch: int = 1, **fields: Any) -> Event:
    """An event of session `s-1` called `build` unless told otherwise."""
    given = {"session_id": "s-1", "session_name": "build", "originator": "ci:7"} | fields
    return Event(epoch, seq, 1_700_000_000.0 + seq, category, type, **given)


def outgoing(*seqs: int, **fields: Any) -> list[Outgoing]:
    """Events on their way."""
    return [Outgoing(event(seq, **fields), "roost://host/default") for seq in seqs]


async def soon(look: Any, *, timeout_s: float = 20.0) -> None:
    """Wait until `look()` is true."""
    async with asyncio.timeout(timeout_s):
        while not look():
            await asyncio.sleep(0.002)


@dataclass
class FakeJournal:
    """Keeps events as the real one does."""

    events: list[Event] = field(default_factory=list)
    lost: bool = False

    async def read(
        self, after: Key, before: Key | None, categories: frozenset[str], limit: int
    ) -> tuple[Sequence[Event], Key, bool]:
        """See `roost.hooks.lane.Journal`."""
        found = [e for e in self.events if e.key > after and (before is None or e.key < before)]
        found = [e for e in found if e.category in categories][:limit]
        end = self.events[-1].key if self.events else after
        return found, found[-1].key if len(found) == limit else (before or end), self.lost


class GatedSink(Sink):
    """Takes batches only while its gate is open; remembers them."""

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.taken: list[Event] = []
        self.batches: list[int] = []
        self.error: Exception | None = None
        self.asked = 0
        self.closed = False
        self.durable = durable
        self.key: Key | None = None

    async def reached(self) -> Key | None:
        return self.key

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        await self.gate.wait()
        self.taken += [one.event for one in batch]
        self.batches.append(len(batch))

    async def close(self, grace_s: float) -> None:
        self.closed = True


class PromptSink(GatedSink):
    """Takes single events at once while its gate is open."""

    prompt = True

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    def send_now(self, outgoing: Outgoing) -> bool:
        if self.gate.is_set() and self.error is None:
            self.taken.append(outgoing.event)
            self.sent += 1
            return True
        return False


class Hub:
    """A dispatcher with what it told."""

    def __init__(self, tasks: asyncio.TaskGroup, directory: Path, journal: FakeJournal | None, made: Any) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.changes = 0
        self.seq = 0
        workshop = Workshop(tasks, str(directory / "queues"), lambda: PLACE, True, {"THE_SECRET": SECRET})
        if made is not None:
            workshop = _Made(workshop, made)  # type: ignore[assignment]
        self.dispatcher = Dispatcher(
            tasks,
            workshop,
            lambda type, data: self.told.append((type, data)),
            origin="roost://host/default",
            now=lambda: (1, self.seq),
            on_wants_changed=self._changed,
            journal=journal,
        )

    def _changed(self) -> None:
        self.changes += 1

    def emit(self, type: str = "exited", **fields: Any) -> Event:
        """Have the dispatcher take the next event."""
        self.seq += 1
        made = event(self.seq, type, **fields)
        self.dispatcher.take(made)
        return made

    def status(self, name: str) -> dict[str, Any]:
        """The status of one sink."""
        (found,) = [sink for sink in self.dispatcher.status() if sink["name"] == name]
        return found

    def kinds(self) -> list[str]:
        """The types of what was told."""
        return [type for type, _ in self.told]


class _Made:
    """A workshop whose sinks a test has made itself."""

    def __init__(self, real: Workshop, made: dict[str, Sink]) -> None:
        self._real = real
        self._made = made

    def make(self, config: SinkConfig, place: Any = None) -> Sink:
        return self._made[config.name] if config.name in self._made else self._real.make(config, place)


@asynccontextmanager
async def hub(
    directory: Path,
    *configs: SinkConfig,
    journal: FakeJournal | None = None,
    made: dict[str, Sink] | None = None,
    seq: int = 0,
) -> AsyncIterator[Hub]:
    """A dispatcher with those sinks, after event number `seq`; closed at the end."""
    async with asyncio.TaskGroup() as tasks:
        one = Hub(tasks, directory, journal, made)
        one.seq = seq
        one.dispatcher.begin(configs)
        try:
            yield one
        finally:
            await one.dispatcher.close(2.0)
