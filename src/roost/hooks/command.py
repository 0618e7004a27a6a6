"""The sink `command`: a command of the user's shell for every event, at most so many at a time.

The event is the command's input (JSON) and in its environment (ROOST_*); nothing is put into the command's text, so
nothing in an event can become a part of it. Several `response_delta` of one session that came together make one run,
with a line each.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from roost.core.config_sinks import Command
from roost.core.events import Event
from roost.hooks.feedback import Feedback
from roost.hooks.gathering import GATHERED
from roost.hooks.process_run import Outcome, ProcessRun
from roost.hooks.sink import Outgoing, Sink
from roost.hooks.tasks import start
from roost.hooks.worker import Worker

log = logging.getLogger(__name__)

#: A value longer than this is in the input only: an environment has to fit into the kernel's limits. Source: execve(2).
VALUE_BYTES = 4096
_FEEDBACK = "it seems to cause its own events: changes in {} are left out until there are none for a while"


@dataclass(frozen=True, slots=True)
class Place:
    """Where commands run: which shell, directory and environment."""

    shell: str
    cwd: str
    environment: Mapping[bytes, bytes] = field(default_factory=dict)


class CommandSink(Sink):
    """Starts commands and watches them."""

    def __init__(self, options: Command, place: Callable[[], Place], tasks: asyncio.TaskGroup) -> None:
        super().__init__()
        self._options = options
        self._place = place
        self._tasks = tasks
        self._slots = asyncio.Semaphore(options.max_concurrent)
        self._worker = Worker("command sink")
        self._running: set[asyncio.Task[None]] = set()
        self._feedback = Feedback()
        self.succeeded = self.failed = 0

    async def deliver(self, batch: Sequence[Outgoing]) -> None:
        """Start a command for each; waits while too many run."""
        for together in _runs(batch):
            if not self._feedback.passes(together[-1].event, time.monotonic()):
                if self._feedback.begun:
                    self.report(_FEEDBACK.format(self._feedback.begun))
                continue
            await self._slots.acquire()
            task = start(self._tasks, self._run(together), f"hook {together[-1].event.type}")
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def _run(self, together: Sequence[Outgoing]) -> None:
        event = together[-1].event
        place = self._place()
        run = ProcessRun(
            [place.shell, "-c", self._options.command],
            place.cwd,
            {**place.environment, **event_environment(event)},
            b"".join([outgoing.line() for outgoing in together]),
        )
        try:
            outcome = await run.run(self._worker, self._options.timeout_s)
        except OSError as error:
            self._failure(event, f"it cannot be started: {error.strerror}: {error.filename or place.cwd}", b"")
        except asyncio.CancelledError:
            log.warning("the command for %s (%s) is left running as pid %d", event.type, event.id, run.pid)
            raise
        else:
            self._note(event, outcome)

    def _note(self, event: Event, outcome: Outcome) -> None:
        if outcome.failure:
            self._failure(event, outcome.failure, outcome.output)
        else:
            self.succeeded += 1
            self.report(None)

    def _failure(self, event: Event, why: str, output: bytes) -> None:
        self.failed += 1
        shown = output.decode("utf-8", "backslashreplace").rstrip()
        log.warning("the command for %s (%s) failed, %s; it printed: %s", event.type, event.id, why, shown or "nothing")
        last = shown.splitlines()[-1][:200] if shown else ""
        self.report(f"{why}: {last}" if last else why)

    async def close(self, grace_s: float) -> None:
        """Let running commands finish within that time; what still runs then is left to itself."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=1)
        self._worker.stop()

    def facts(self) -> dict[str, Any]:
        """What it runs, and how that went."""
        return {
            "command": self._options.command,
            "delivered": self.succeeded,
            "failed": self.failed,
            "dropped": self._feedback.held,
            "running": len(self._running),
        }


def _runs(batch: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """What is told to one command: one event, or those that are gathered, by session."""
    for (gathered, _, _), group in groupby(batch, key=_kind):
        together = list(group)
        if gathered:
            yield together
        else:
            yield from ([one] for one in together)


def _kind(outgoing: Outgoing) -> tuple[bool, str, str]:
    event = outgoing.event
    return (event.type in GATHERED, event.session_id, event.type)


def event_environment(event: Event) -> dict[bytes, bytes]:
    """The event as variables: what every event has, then each plain value of its data as ROOST_DATA_NAME.

    Of `exited` also ROOST_EXIT_CODE, ROOST_EXIT_SIGNAL and ROOST_EXIT_OUTCOME.
    """
    made: dict[str, Any] = {
        "ROOST_EVENT": event.type,
        "ROOST_EVENT_ID": event.id,
        "ROOST_EVENT_CATEGORY": event.category,
        "ROOST_EVENT_AT": event.as_dict()["at"],
        "ROOST_EVENT_GRADE": event.grade,
        "ROOST_EVENT_SOURCE": event.source,
        "ROOST_SESSION_ID": event.session_id,
        "ROOST_SESSION_NAME": event.session_name,
        "ROOST_ORIGINATOR": event.originator,
    }
    for name, value in event.data.items():
        upper = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).upper()
        if value is not None and not isinstance(value, dict | list):
            made[f"ROOST_DATA_{upper}"] = value
    if event.type == "exited":
        for name in ("code", "signal", "outcome"):
            value = event.data.get(name)
            made[f"ROOST_EXIT_{name.upper()}"] = "" if value is None else value
    return {name.encode(): text for name, value in made.items() if (text := _text(value)) is not None}


def _text(value: Any) -> bytes | None:
    if isinstance(value, bool):
        value = "true" if value else "false"
    text = str(value).encode("utf-8", "surrogateescape").replace(b"\0", b"")
    return text if len(text) <= VALUE_BYTES else None
