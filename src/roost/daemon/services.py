"""The services: which there are, what a target means, and the use cases. Every way in enters here.

Owns the list and its loading; one service's doings are `supervised`'s, so that none ever waits for another.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from roost.core import supervision as sv
from roost.core.service import ALL, CONDITIONS, Definition
from roost.daemon import service_log
from roost.daemon.service import Service
from roost.daemon.service_store import Saved, ServiceStore
from roost.daemon.supervised import Supervised
from roost.errors import InvalidError, NoRunError, RoostError, WaitTimeoutError, WrongStateError

log = logging.getLogger(__name__)

T = TypeVar("T")

_LOAD_AGAIN_S = 30.0


class Services:
    """The use cases of services. All raise RoostError, also when the registry's file cannot be used."""

    def __init__(self, tasks: asyncio.TaskGroup, service: Service, state_dir: str) -> None:
        self._tasks = tasks
        self._service = service
        self._store = ServiceStore(state_dir)
        self._log_dir = os.path.join(state_dir, "services")
        self._by_name: dict[str, Supervised] = {}
        self._loading = asyncio.Lock()
        self._loaded = False

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up the services of the previous daemon, as soon as their file can be read."""
        while not self._loaded:
            try:
                await self._load()
            except RoostError as error:
                log.warning("%s", error.message)
                await asyncio.sleep(_LOAD_AGAIN_S)
            except Exception:
                log.exception("the services could not be taken up")
                return

    async def _load(self) -> None:
        async with self._loading:
            if self._loaded:
                return
            rows = await self._store.load()
            self._loaded = True
        for row in rows:
            one = Supervised(self._tasks, self._service, self._store, self._log_dir, row)
            self._by_name[one.name] = one
            one.resume()

    async def shut_down(self) -> None:
        """Stop every service, each within its own time; for a daemon that leaves nothing behind."""
        try:
            await self.stop(ALL)
        except RoostError as error:
            log.warning("%s", error.message)
        for one in self._by_name.values():
            one.leave()

    def close(self) -> None:
        """Close the file; what runs goes on, and so will its supervision."""
        self._store.close()

    # --- targets --------------------------------------------------------------------------------------------------

    async def all(self) -> list[Supervised]:
        """Every service, by id."""
        await self._load()
        return list(self._by_name.values())

    async def find(self, target: str) -> Supervised:
        """The service of that name or id. Raises NoRunError."""
        await self._load()
        found = self._by_name.get(target)
        if found is None and target.isascii() and target.isdigit():
            found = next((one for one in self._by_name.values() if one.row.id == int(target)), None)
        if found is None:
            raise NoRunError(f"no service matches {target!r}; `roost service ls` lists them")
        return found

    async def select(self, target: str) -> list[Supervised]:
        """The services that a target names: `all` is every one, also when there are none. Raises NoRunError."""
        return await self.all() if target == ALL else [await self.find(target)]

    # --- use cases ------------------------------------------------------------------------------------------------

    async def start(self, definition: Definition) -> Supervised:
        """Create or update a service and start it. Raises InvalidError when it is online.

        A new one that cannot be started is not there afterwards.
        """
        return (await self._ensured(definition, lambda one, is_new: one.start(definition, is_new=is_new)))[0]

    async def start_known(self, target: str) -> list[Supervised]:
        """Start services that are defined; with `all` those that do not run."""
        chosen = await self.select(target)
        if target == ALL:
            chosen = [one for one in chosen if one.life.state not in sv.ACTIVE]
        await _each(chosen, lambda one: one.start())
        return chosen

    async def apply(self, definition: Definition) -> tuple[Supervised, str]:
        """Make a service run by that definition, and what was needed for it; see `Supervised.apply`."""
        return await self._ensured(definition, lambda one, is_new: one.apply(definition, is_new=is_new))

    async def _ensured(
        self, definition: Definition, work: Callable[[Supervised, bool], Awaitable[T]]
    ) -> tuple[Supervised, T]:
        """The service of that name, made if need be, and what came of the work on it (which is told if it is new)."""
        while True:
            one, is_new = await self._ensure(definition)
            try:
                return one, await work(one, is_new)
            except RoostError as error:
                if one.deleted and self._by_name.get(one.name) is one:
                    del self._by_name[one.name]
                if not (one.deleted and isinstance(error, NoRunError)):
                    raise  # else somebody deleted it before the work began

    async def stop(self, target: str) -> tuple[list[Supervised], int]:
        """Stop services, each within its own time; how many of them were meant to run."""
        chosen = await self.select(target)
        return chosen, sum(await _each(chosen, lambda one: one.stop()))

    async def restart(self, target: str) -> list[Supervised]:
        """Stop services that run, and start them all."""
        chosen = await self.select(target)
        await _each(chosen, lambda one: one.restart())
        return chosen

    async def delete(self, target: str) -> list[Supervised]:
        """Stop services and forget them."""
        chosen = await self.select(target)
        await _each(chosen, self._delete)
        return chosen

    async def _delete(self, one: Supervised) -> None:
        await one.delete()
        if self._by_name.get(one.name) is one:
            del self._by_name[one.name]

    async def logs(self, target: str, lines: int) -> str:
        """The last lines of a service's streams."""
        one = await self.find(target)
        return await asyncio.to_thread(service_log.tail_text, self._log_dir, one.definition.file_stem, lines)

    async def flush(self, target: str) -> list[Supervised]:
        """Empty the log files of services; no target means all."""
        chosen = await self.select(target or ALL)
        try:
            for one in chosen:
                await asyncio.to_thread(service_log.empty, self._log_dir, one.definition.file_stem)
        except OSError as error:
            raise RoostError(f"the logs in {self._log_dir} cannot be emptied: {error.strerror}") from error
        return chosen

    async def save(self) -> tuple[str, int]:
        """Write all definitions to the snapshot, and which are meant to run; its path and how many."""
        saved = [Saved(one.definition, one.life.state in sv.ACTIVE) for one in await self.all()]
        await self._store.write_snapshot(saved)
        return self._store.snapshot_path, len(saved)

    async def resurrect(self) -> tuple[int, list[str]]:
        """Restore what `save` wrote and start what ran then; how many, and what could not be started.

        Services that are not in the snapshot stay as they are, and so does what runs.
        """
        saved = await self._store.read_snapshot()
        for entry in saved:
            entry.definition.check()
        failures = await asyncio.gather(*(self._resurrect(entry) for entry in saved))
        return len(saved), [failure for failure in failures if failure]

    async def _resurrect(self, saved: Saved) -> str:
        one, _ = await self._ensure(saved.definition)
        if one.life.state in sv.ACTIVE or not saved.active:
            await one.redefine(saved.definition)
            return ""
        try:
            await one.start(saved.definition)
        except RoostError as error:
            log.warning("service %s was restored but not started: %s", one.name, error.message)
            return f"{one.name}: {error.message}"
        return ""

    async def wait(self, target: str, condition: str, timeout_s: float | None) -> Supervised:
        """Wait until a service is `started`, `healthy` or has `exited` with code 0.

        Raises WrongStateError as soon as that cannot happen any more by itself, WaitTimeoutError.
        """
        one = await self.find(target)
        if condition not in CONDITIONS:
            raise InvalidError(f"unknown condition {condition!r}; a service is {', '.join(CONDITIONS)}")
        if condition == "healthy" and one.definition.health is None:
            raise InvalidError(f"service {one.name!r} has no health check: it will never be healthy")
        try:
            async with asyncio.timeout(timeout_s):
                while not _meets(one, condition):
                    await one.changed()
        except TimeoutError:
            raise WaitTimeoutError(f"service {one.name!r} is {one.life.state}, not {condition}") from None
        return one

    async def _ensure(self, definition: Definition) -> tuple[Supervised, bool]:
        """The service of that name, and whether this has made it."""
        definition.check()
        await self._load()
        known = self._by_name.get(definition.name)
        if known is not None:
            return known, False
        async with self._loading:  # so that two starts of one name at the same time make one service
            known = self._by_name.get(definition.name)
            if known is not None:
                return known, False
            row = await self._store.add(definition)
            made = Supervised(self._tasks, self._service, self._store, self._log_dir, row)
            self._by_name[definition.name] = made
            return made, True


def _meets(one: Supervised, condition: str) -> bool:
    state, code = one.life.state, one.life.code
    if condition == "exited":
        met, lost = state == sv.EXITED and code == 0, state in sv.SETTLED
    else:
        met, lost = state == sv.ONLINE, state in sv.SETTLED
        if condition == "healthy":
            pulse = one.pulse
            met = pulse is not None and pulse.state == "healthy"
            lost = lost or (pulse is not None and pulse.state == "unhealthy")
    if not met and (lost or one.deleted):
        raise WrongStateError(f"service {one.name!r} is {describe_state(one)}; see `roost service logs {one.name}`")
    return met


def describe_state(one: Supervised) -> str:
    """Where a service stands, in a few words."""
    life = one.life
    if life.state == sv.ONLINE and one.pulse is not None:
        return f"{one.pulse.state}: {one.pulse.detail}" if one.pulse.detail else one.pulse.state
    if life.state == sv.EXITED:
        return "exited, its code is not known" if life.code is None else f"exited with {life.code}"
    return f"{life.state}: {life.reason}" if life.reason else life.state


async def _each(chosen: Iterable[Supervised], work: Callable[[Supervised], Awaitable[T]]) -> list[T]:
    """Do it for all at once and let all come to their end; the first error is raised then."""
    outcomes = await asyncio.gather(*(work(one) for one in chosen), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
