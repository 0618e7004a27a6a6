"""The daemon looked at and steered from outside: status, stop, the keeper's upgrade, health checks."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from roost.daemon.keeper_link import KeeperLink
from roost.daemon.service import Service
from roost.errors import InvalidError, RoostError
from roost.keeper import messages as m
from roost.keeper.launch import keeper_command
from roost.paths import Paths
from roost.platform.memory import resident_bytes
from roost.version import __version__

_UPGRADE_S = 15.0
#: How old the memory of a process may be when it is told. Asking takes longer than all the rest of a status does.
_MEMORY_AGE_S = 0.1
_PYTHON = sys.version.split()[0]


class Control:
    """What concerns the daemon as a whole."""

    def __init__(
        self,
        service: Service,
        paths: Paths,
        socket_path: str,
        *,
        connections: Callable[[], int],
        request_stop: Callable[[bool, str], None],
        stop_services: Callable[[], Awaitable[None]],
    ) -> None:
        """`request_stop(restart, program)` ends the daemon behind the answers, `stop_services` the services."""
        self._service = service
        self._paths = paths
        self.socket_path = socket_path
        self._connections = connections
        self._request_stop = request_stop
        self._stop_services = stop_services
        self._started = time.monotonic()
        self._more_checks: list[Callable[[], dict[str, Any]]] = []
        self._trials: list[Callable[[], Awaitable[list[dict[str, Any]]]]] = []
        self._memory: tuple[int | None, int | None] = (None, None)
        self._memory_at = -_MEMORY_AGE_S
        self.cwd = os.getcwd()

    @property
    def _link(self) -> KeeperLink:
        return self._service.link

    @property
    def uptime_s(self) -> float:
        """Seconds since the daemon started."""
        return time.monotonic() - self._started

    @property
    def connections(self) -> int:
        """Open connections, streaming ones included."""
        return self._connections()

    @property
    def scope(self) -> str:
        """The scope's name."""
        return self._paths.scope

    def status(self) -> dict[str, Any]:
        """Who runs where, and how much there is."""
        sessions = list(self._service.table)
        memory, keeper_memory = self._resident()
        running = attached = ring_bytes = 0
        for session in sessions:
            running += session.live
            attached += len(session.clients.attachments)
            for stream in session.streams.values():
                ring_bytes += _resident_bytes(stream.ring.end, stream.ring.capacity)
        return {
            "version": __version__,
            "pid": os.getpid(),
            "keeper_pid": self._link.pid,
            "keeper_version": self._link.version,
            "socket": self.socket_path,
            "scope": self._paths.scope,
            "uptime_s": round(self.uptime_s, 3),
            "sessions": len(sessions),
            "running": running,
            "exited": len(sessions) - running,
            "clients": self.connections,
            "attached": attached,
            "ring_bytes": ring_bytes,
            "memory_bytes": memory,
            "keeper_memory_bytes": keeper_memory,
            "python": _PYTHON,
            "runtime_dir": self._paths.runtime_dir,
            "state_dir": self._paths.state_dir,
            "log_path": self._paths.daemon_log,
            "keeper_log_path": self._paths.keeper_log,
        }

    def _resident(self) -> tuple[int | None, int | None]:
        """The daemon's memory and the keeper's, as of a moment ago."""
        now = time.monotonic()
        if now - self._memory_at >= _MEMORY_AGE_S:
            self._memory = resident_bytes(os.getpid()), resident_bytes(self._link.pid)
            self._memory_at = now
        return self._memory

    async def stop(self, *, kill: bool, restart: bool, program: str = "") -> int:
        """Stop soon; with `kill` after ending every session. How many sessions go on in the keeper.

        With `restart` and a `program` this process becomes the daemon of that Python. Raises InvalidError.
        """
        if program and not (restart and os.access(program, os.X_OK)):
            raise InvalidError(f"the daemon cannot become {program}: give a Python that can be run, with restart")
        if kill:
            await self._stop_services()
            await self._service.kill_everything()
            await self._service.purge(self._service.table)
        left = sum(1 for s in self._service.table if s.live)
        self._request_stop(restart, program)
        return left

    async def upgrade_keeper(self) -> dict[str, Any]:
        """Let the keeper become the code that is installed now; its children and their output go on."""
        fields: list[tuple[int, bytes | int | float | str]] = [
            (m.T_ARG, os.fsencode(a)) for a in keeper_command(self._paths)
        ]
        lender = self._service.lender
        lender.pause()
        try:
            answer, _ = await asyncio.wait_for(self._link.call(m.UPGRADE, fields), _UPGRADE_S)
        except TimeoutError:
            raise RoostError(
                f"the keeper did not answer within {_UPGRADE_S:g} s; see {self._paths.keeper_log}"
            ) from None
        finally:
            lender.resume()
        self._link.became(answer)
        return {"keeper_pid": self._link.pid, "version": self._link.version}

    async def checks(self) -> list[dict[str, Any]]:
        """What the daemon can see of its own health; `advice` says what to do when not ok."""
        own = [self._check_keeper(), self._check_files(), _check_ptys(), self._check_rings()]
        own += [check() for check in self._more_checks]
        for trial in self._trials:
            own += await trial()
        return own

    def add_trial(self, trial: Callable[[], Awaitable[list[dict[str, Any]]]]) -> None:
        """Let an area have lines that take a moment to find out."""
        self._trials.append(trial)

    def add_check(self, check: Callable[[], dict[str, Any]]) -> None:
        """Let an area have a line among the checks: `name`, `ok`, `detail`, `advice`."""
        self._more_checks.append(check)

    def _check_keeper(self) -> dict[str, Any]:
        lost = self._link.lost
        detail = "gone" if lost else keeper_detail(self._link.pid, self._link.version, self._link.features)
        return _check("keeper", not lost, detail, f"see {self._paths.keeper_log}, then `roost daemon restart`")

    def _check_files(self) -> dict[str, Any]:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = len(os.listdir("/proc/self/fd"))
        return _check("open files", used < soft * 0.8, f"{used} of {soft}", "raise `ulimit -Hn` for new daemons")

    def _check_rings(self) -> dict[str, Any]:
        sessions = list(self._service.table)
        used = sum(_resident_bytes(s.ring.end, s.ring.capacity) for x in sessions for s in x.streams.values())
        exited = sum(1 for s in sessions if not s.live)
        detail = f"{used / 1048576:.1f} MiB in {len(sessions)} sessions, {exited} of them exited"
        return _check("ring memory", used < 4 << 30, detail, "`roost purge` forgets exited sessions")


def keeper_detail(pid: int, version: int, features: Collection[str]) -> str:
    """What is to be said of the keeper; that of an older roost serves as it can until somebody upgrades it."""
    missing = [feature for feature in m.FEATURES if feature not in features]
    more = ""
    if missing:
        more = f", of an older roost, without {', '.join(missing)} until `roost daemon restart --keeper`"
    elif not set(m.PUMP_FEATURES) <= set(features):
        more = (
            ", moving output without compiled code, which is slower: install a C compiler, then roost again, then "
            "`roost daemon restart --keeper`"
        )
    return f"pid {pid}, protocol {version}{more}"


def _resident_bytes(end: int, capacity: int) -> int:
    return min(end, capacity)


def _check_ptys() -> dict[str, Any]:
    try:
        with open("/proc/sys/kernel/pty/nr", encoding="ascii") as used_file:
            used = int(used_file.read())
        with open("/proc/sys/kernel/pty/max", encoding="ascii") as most_file:
            most = int(most_file.read())
    except OSError as error:
        return _check("terminals", True, f"not known ({error.strerror})", "")
    return _check("terminals", used < most * 0.9, f"{used} of {most}", "raise kernel.pty.max (sysctl)")


def _check(name: str, ok: bool, detail: str, advice: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "advice": "" if ok else advice}
