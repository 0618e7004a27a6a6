"""Roost's own calls about services (`services.start`, `services.apply` and so on).

Owns their parameters and answers; the work is that of `services`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import msgspec

from roost.core import supervision as sv
from roost.core.service import Definition, Health
from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.services import Services
from roost.daemon.supervised import Supervised
from roost.errors import InvalidError


class ConfigParams(Params, frozen=True):
    """A definition, its fields those of `roost.core.service.Definition`."""

    config: dict[str, Any]


class StartParams(Params, frozen=True):
    """What to start: a new (or changed) definition, or services that are known."""

    config: dict[str, Any] | None = None
    target: str = ""


class ServiceParams(Params, frozen=True):
    """A service by name or id, or `all`."""

    target: str


class NoServiceParams(Params, frozen=True):
    """A call about all services."""


class ServiceLogsParams(Params, frozen=True):
    """Whose last lines, and how many of each stream; 0 for the default."""

    target: str
    lines: int = 0


class ServiceWaitParams(Params, frozen=True):
    """What to wait for; without a time-out for as long as it may still happen."""

    target: str
    condition: str
    timeout_s: float | None = None


class ServiceCalls:
    """Carries them out."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def methods(self) -> dict[str, Method[Any]]:
        """By name."""
        return {
            "services.start": Method(StartParams, self._start),
            "services.apply": Method(ConfigParams, self._apply),
            "services.stop": Method(ServiceParams, self._stop),
            "services.restart": Method(ServiceParams, self._restart),
            "services.delete": Method(ServiceParams, self._delete),
            "services.list": Method(NoServiceParams, self._list),
            "services.describe": Method(ServiceParams, self._describe),
            "services.logs": Method(ServiceLogsParams, self._logs),
            "services.flush": Method(ServiceParams, self._flush),
            "services.save": Method(NoServiceParams, self._save),
            "services.resurrect": Method(NoServiceParams, self._resurrect),
            "services.wait": Method(ServiceWaitParams, self._wait),
        }

    async def _start(self, _calls: Calls, p: StartParams, _data: bytes) -> Result:
        if (p.config is None) == (not p.target):
            raise InvalidError("services.start needs either config or target")
        if p.config is not None:
            return _many([await self._services.start(definition_from(p.config))])
        return _many(await self._services.start_known(p.target))

    async def _apply(self, _calls: Calls, p: ConfigParams, _data: bytes) -> Result:
        one, change = await self._services.apply(definition_from(p.config))
        return {"change": change, "service": service_info(one)}, b""

    async def _stop(self, _calls: Calls, p: ServiceParams, _data: bytes) -> Result:
        stopped, _ = await self._services.stop(p.target)
        return _many(stopped)

    async def _restart(self, _calls: Calls, p: ServiceParams, _data: bytes) -> Result:
        return _many(await self._services.restart(p.target))

    async def _delete(self, _calls: Calls, p: ServiceParams, _data: bytes) -> Result:
        return _many(await self._services.delete(p.target))

    async def _list(self, _calls: Calls, _p: NoServiceParams, _data: bytes) -> Result:
        return _many(await self._services.all())

    async def _describe(self, _calls: Calls, p: ServiceParams, _data: bytes) -> Result:
        return service_info(await self._services.find(p.target)), b""

    async def _logs(self, _calls: Calls, p: ServiceLogsParams, _data: bytes) -> Result:
        if p.lines < 0:
            raise InvalidError("lines are 0 (the default) or more")
        return {"text": await self._services.logs(p.target, p.lines)}, b""

    async def _flush(self, _calls: Calls, p: ServiceParams, _data: bytes) -> Result:
        return _many(await self._services.flush(p.target))

    async def _save(self, _calls: Calls, _p: NoServiceParams, _data: bytes) -> Result:
        path, count = await self._services.save()
        return {"path": path, "count": count}, b""

    async def _resurrect(self, _calls: Calls, _p: NoServiceParams, _data: bytes) -> Result:
        count, failures = await self._services.resurrect()
        return {"count": count, "failures": failures}, b""

    async def _wait(self, _calls: Calls, p: ServiceWaitParams, _data: bytes) -> Result:
        timeout_s = None if p.timeout_s is None else check_duration(p.timeout_s)
        return service_info(await self._services.wait(p.target, p.condition, timeout_s)), b""


def definition_from(config: dict[str, Any]) -> Definition:
    """The definition in a JSON object. Raises InvalidError for wrong types, unknown fields, and what none can be."""
    health = config.get("health")
    _check_fields(config, Definition, "a service")
    if isinstance(health, dict):
        _check_fields(health, Health, "a health check")
    try:
        definition = msgspec.convert(config, Definition)
    except msgspec.ValidationError as error:
        raise InvalidError(f"the definition of a service cannot be used: {error}") from error
    definition.check()
    return definition


def _check_fields(given: dict[str, Any], of: type[Definition] | type[Health], what: str) -> None:
    unknown = given.keys() - {field.name for field in fields(of)}
    if unknown:
        raise InvalidError(f"{what} has no {', '.join(map(repr, sorted(unknown)))}")


def _many(services: list[Supervised]) -> Result:
    return {"services": [service_info(one) for one in services]}, b""


def service_info(one: Supervised) -> dict[str, Any]:
    """One service. Times in Unix seconds, null for what has not happened; `exit_code` is that of the last exit."""
    life, pulse = one.life, one.pulse
    return {
        "name": one.name,
        "id": one.row.id,
        "state": life.state,
        "pid": one.pid,
        "session_id": one.row.session_id or None,
        "restarts": life.restarts,
        "crashes": life.crashes,
        "started_at": life.started_at or None,
        "exited_at": life.exited_at or None,
        "exit_code": life.code,
        "restart_at": life.due_at if life.state == sv.WAITING else None,
        "reason": life.reason,
        "health": pulse.state if pulse is not None else None,
        "health_detail": pulse.detail if pulse is not None else "",
        "out_log": one.log_file("out"),
        "err_log": one.log_file("err"),
        "definition": msgspec.to_builtins(one.definition),
    }
