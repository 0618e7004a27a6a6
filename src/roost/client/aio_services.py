"""The verbs about services: `client.services.…`.

Owns nothing: it is handed the client's way to perform a call. What the calls say is in `service_calls`.

Generated from `services` by `make async`.
"""

from __future__ import annotations

import builtins

from roost import model
from roost.client import service_calls
from roost.client.verbs import AsyncPerform
from roost.core.service import Definition


class AsyncServices:
    """Services of one daemon. A target is a name, an id, or "all"; NoRunError when nothing matches."""

    def __init__(self, perform: AsyncPerform) -> None:
        self._perform = perform

    async def start(self, what: Definition | str) -> builtins.list[model.ServiceInfo]:
        """Creates or updates a service and starts it; or starts what is defined. InvalidError when it is online."""
        return await self._perform(service_calls.start(what))

    async def apply(self, definition: Definition) -> tuple[model.ServiceInfo, str]:
        """Makes a service run by that definition.

        The word says what was needed: "started", "restarted", "unchanged", or "done" for one that has ended well.
        """
        return await self._perform(service_calls.apply(definition))

    async def stop(self, target: str) -> builtins.list[model.ServiceInfo]:
        """Stops services and waits until they are gone."""
        return await self._perform(service_calls.stop(target))

    async def restart(self, target: str) -> builtins.list[model.ServiceInfo]:
        """Stops services that run, and starts them all."""
        return await self._perform(service_calls.restart(target))

    async def delete(self, target: str) -> builtins.list[model.ServiceInfo]:
        """Stops services and forgets them; their log files stay."""
        return await self._perform(service_calls.delete(target))

    async def list(self) -> builtins.list[model.ServiceInfo]:
        """Every service, by id."""
        return await self._perform(service_calls.list_services())

    async def describe(self, target: str) -> model.ServiceInfo:
        """One service."""
        return await self._perform(service_calls.describe(target))

    async def logs(self, target: str, *, lines: int = 0) -> str:
        """The last lines (0: 100) of both streams, each line behind `[stdout] ` or `[stderr] `; at most 64 KiB."""
        return await self._perform(service_calls.logs(target, lines))

    async def flush(self, target: str = "all") -> builtins.list[model.ServiceInfo]:
        """Empties the log files of services."""
        return await self._perform(service_calls.flush(target))

    async def save(self) -> tuple[str, int]:
        """Writes all definitions to a snapshot; its path, and how many they are."""
        return await self._perform(service_calls.save())

    async def resurrect(self) -> tuple[int, builtins.list[str]]:
        """Restores the snapshot and starts what ran then; how many, and what could not be started."""
        return await self._perform(service_calls.resurrect())

    async def wait(self, target: str, condition: str, timeout_s: float | None = None) -> model.ServiceInfo:
        """Waits until a service is "started", "healthy" or has "exited" with 0.

        WrongStateError as soon as that cannot happen by itself any more, WaitTimeoutError.
        """
        return await self._perform(service_calls.wait(target, condition, timeout_s))
