"""The service requests of protocol v1 (50 to 59): what each asks of the services, and its answer.

Owns v1's words for states and its rules for targets; the work itself is that of `services`.
"""

from __future__ import annotations

from typing import Any

from roost.core import supervision as sv
from roost.core.service import Definition
from roost.daemon.services import Services
from roost.daemon.supervised import NotStartedError, Supervised
from roost.daemon.v1 import Ask, Handlers
from roost.errors import InvalidError, RoostError
from roost.wire import daemon_v1_pb2 as pb

#: What v1 is told of an exit code that nobody knows: it has no word for that.
_UNKNOWN_CODE = -1


class V1Services:
    """Services, as v1's clients see them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def handlers(self) -> Handlers:
        """By request type."""
        return {
            pb.REQUEST_TYPE_SERVICE_START: self._start,
            pb.REQUEST_TYPE_SERVICE_STOP: self._stop,
            pb.REQUEST_TYPE_SERVICE_RESTART: self._restart,
            pb.REQUEST_TYPE_SERVICE_DELETE: self._delete,
            pb.REQUEST_TYPE_SERVICE_LIST: self._list,
            pb.REQUEST_TYPE_SERVICE_DESCRIBE: self._describe,
            pb.REQUEST_TYPE_SERVICE_LOGS: self._logs,
            pb.REQUEST_TYPE_SERVICE_FLUSH: self._flush,
            pb.REQUEST_TYPE_SERVICE_SAVE: self._save,
            pb.REQUEST_TYPE_SERVICE_RESURRECT: self._resurrect,
        }

    async def _start(self, ask: Ask) -> None:
        if not ask.payload.HasField("config"):
            raise InvalidError("missing service config")
        definition = _definition(ask.payload.config)
        definition.check()
        try:
            started = await self._services.start(definition)
        except RoostError as error:
            raise _spawn_error(error) from error
        _fill(ask.response.service_start.service, started)

    async def _stop(self, ask: Ask) -> None:
        _, count = await self._services.stop(ask.payload.target)
        ask.response.service_stop.SetInParent()
        ask.response.service_stop.stopped_count = count

    async def _restart(self, ask: Ask) -> None:
        try:
            restarted = await self._services.restart(ask.payload.target)
        except RoostError as error:
            raise _spawn_error(error) from error
        ask.response.service_restart.SetInParent()
        ask.response.service_restart.restarted_count = len(restarted)

    async def _delete(self, ask: Ask) -> None:
        deleted = await self._services.delete(ask.payload.target)
        ask.response.service_delete.SetInParent()
        ask.response.service_delete.deleted_count = len(deleted)

    async def _list(self, ask: Ask) -> None:
        ask.response.service_list.SetInParent()
        for one in await self._services.all():
            _fill(ask.response.service_list.services.add(), one)

    async def _describe(self, ask: Ask) -> None:
        _fill(ask.response.service_describe.service, await self._services.find(ask.payload.target))

    async def _logs(self, ask: Ask) -> None:
        text = await self._services.logs(ask.payload.target, ask.payload.lines)
        ask.response.service_logs.SetInParent()
        ask.response.service_logs.log_text = text

    async def _flush(self, ask: Ask) -> None:
        flushed = await self._services.flush(ask.payload.target)
        ask.response.service_flush.SetInParent()
        ask.response.service_flush.flushed_count = len(flushed)

    async def _save(self, ask: Ask) -> None:
        path, count = await self._services.save()
        ask.response.service_save.snapshot_path = path
        ask.response.service_save.service_count = count

    async def _resurrect(self, ask: Ask) -> None:
        count, _ = await self._services.resurrect()
        ask.response.service_resurrect.SetInParent()
        ask.response.service_resurrect.restored_count = count


def _spawn_error(error: RoostError) -> RoostError:
    """v1 knows every failed spawn as INTERNAL (decision 003)."""
    return RoostError(error.message, kind="internal") if isinstance(error, NotStartedError) else error


def _definition(config: Any) -> Definition:
    return Definition(
        name=config.name,
        cmd=tuple(config.cmd),
        cwd=config.cwd,
        env=dict(config.env),
        restart=sv.ALWAYS if config.autorestart else sv.NEVER,
        max_restarts=config.max_restarts,
        restart_delay_ms=config.restart_delay_ms,
        kill_timeout_ms=config.kill_timeout_ms,
        min_uptime_ms=config.min_uptime_ms,
    )


def _fill(into: Any, one: Supervised) -> None:
    definition, life = one.definition, one.life
    into.name = one.name
    into.id = one.row.id
    into.status = "errored" if life.state == sv.ERRORED else "online" if one.pid else "stopped"
    into.pid = one.pid
    into.restart_count = life.restarts
    into.last_started_at = life.started_at
    into.last_exited_at = life.exited_at
    if life.exited_at:
        into.last_exit_code = _UNKNOWN_CODE if life.code is None else life.code
    config = into.config
    config.name = definition.name
    config.cmd.extend(definition.cmd)
    config.cwd = definition.cwd
    config.env.update(definition.env)
    config.autorestart = definition.restart != sv.NEVER
    config.max_restarts = definition.max_restarts
    config.restart_delay_ms = definition.restart_delay_ms
    config.kill_timeout_ms = definition.kill_timeout_ms
    config.min_uptime_ms = definition.min_uptime_ms
