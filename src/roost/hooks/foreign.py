"""A sink that somebody else brings: its class has one method, `deliver(events)`, called in a thread of its own.

Owns the translation: plain dicts in, an exception is a failure that is tried again, RefusedError is not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from roost.core.event_formats import cloud_event, envelope
from roost.hooks.sink import Outgoing, RefusedError, Sink, SinkError
from roost.hooks.worker import Worker


class ForeignSink(Sink):
    """The adapter. `close()` of the object is called at the end if it has one."""

    def __init__(self, sink: Any, type: str, format: str) -> None:
        super().__init__()
        self._sink = sink
        self._format = format
        self._worker = Worker(f"sink {type}")

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Have the object take the batch."""
        if self._format == "cloudevents":
            events = [cloud_event(outgoing.event, outgoing.origin) for outgoing in batch]
        else:
            events = [envelope(outgoing.event) for outgoing in batch]
        try:
            await self._worker.run(lambda: self._sink.deliver(events))
        except RefusedError:
            raise
        except Exception as error:
            raise SinkError(f"{type(error).__name__}: {error}") from error

    async def close(self, grace_s: float) -> None:
        """Close the object, as far as it lets us."""
        close = getattr(self._sink, "close", None)
        if callable(close):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(grace_s):
                    await self._worker.run(close)
        self._worker.stop()
