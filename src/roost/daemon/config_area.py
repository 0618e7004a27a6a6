"""The configuration's place in the daemon: `config.show`, `config.reload`, SIGHUP, and `context.shared["config"]`.

The first of all areas: the others read their tables from the store, and take part in its changes.
"""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from roost.core.config_reading import ConfigError
from roost.daemon.around import Context, Wired
from roost.daemon.bus import EventBus
from roost.daemon.calls import Calls, Method, NoParams, Result
from roost.daemon.config_file import own_config_path, surroundings
from roost.daemon.config_store import ConfigStore
from roost.errors import InvalidError

log = logging.getLogger(__name__)


class ConfigArea:
    """Answers and signals."""

    def __init__(self, store: ConfigStore, bus: EventBus) -> None:
        self._store = store
        self._bus = bus

    async def reload(self) -> None:
        """Apply the file as it is now and tell of it, also when it is refused. Raises ConfigError then."""
        try:
            await self._store.reload()
        except ConfigError as error:
            log.error("the configuration was not reloaded:\n%s", error.message)
            self._tell(applied=False)
            raise
        log.info("reloaded %s", self._store.path)
        self._tell(applied=True)

    async def on_signal(self) -> None:
        """SIGHUP came."""
        try:
            await self.reload()
        except ConfigError:
            return  # told of already

    def _tell(self, *, applied: bool) -> None:
        problems = [str(problem) for problem in self._store.problems[:20]]
        data: dict[str, Any] = {"applied": applied, "file": self._store.path, "problems": problems}
        self._bus.emit(None, "daemon", "config_reloaded", data)

    def check(self) -> dict[str, Any]:
        """A line for `roost doctor`: whether the file is right, and was so when it was last applied."""
        store = self._store
        problems = [str(problem) for problem in store.look()]
        detail = store.path if store.origin != "defaults" else f"no {store.path}, the defaults are in force"
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            detail = f"{problems[0]}{more}"
        advice = "`roost config check` shows every mistake, `roost daemon reload` applies what was mended"
        return {"name": "configuration", "ok": not problems, "detail": detail, "advice": advice if problems else ""}

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {"config.show": Method(NoParams, self._show), "config.reload": Method(NoParams, self._reload)}

    async def _show(self, _calls: Calls, _p: NoParams, _data: bytes) -> Result:
        return self._store.describe(), b""

    async def _reload(self, _calls: Calls, _p: NoParams, _data: bytes) -> Result:
        try:
            await self.reload()
        except ConfigError as error:
            raise InvalidError(f"{error.message}\nnothing was changed: what was in force before still is") from error
        return self._store.describe(), b""


def wire(context: Context) -> Wired:
    """The store, loaded, and the calls about it."""
    store = ConfigStore(
        own_config_path(), os.path.join(context.paths.state_dir, "config.good.toml"), surroundings(context.paths)
    )
    store.load()
    context.shared["config"] = store
    area = ConfigArea(store, context.bus)

    context.control.add_check(area.check)

    def on_hangup() -> None:
        context.tasks.create_task(area.on_signal(), name="reload")

    context.loop.add_signal_handler(signal.SIGHUP, on_hangup)
    return Wired(methods=area.methods())
