"""Health checks of a running service: a command, a TCP connection or an HTTP request, again and again.

Owns the checks; what their results mean is `roost.core.service`. Nothing here blocks the loop, and every check has a
deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable

from roost.core.service import Definition, Health, Pulse, beat, host_and_port, http_place, next_check_s
from roost.version import __version__

_LARGEST_STATUS_LINE = 4096


class HealthWatch:
    """Checks one run of a service until it is cancelled. `pulse` is what is known so far."""

    def __init__(self, definition: Definition, *, on_change: Callable[[], None]) -> None:
        self._definition = definition
        self._on_change = on_change
        self.pulse = Pulse()

    async def run(self) -> None:
        """Check again and again."""
        health = self._definition.health
        assert health is not None
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            failure = await self._check(health)
            since_start_s = loop.time() - started
            before, self.pulse = self.pulse, beat(self.pulse, health, failure, since_start_s=since_start_s)
            if before != self.pulse:
                self._on_change()
            await asyncio.sleep(next_check_s(self.pulse, health, since_start_s=since_start_s))

    async def _check(self, health: Health) -> str | None:
        """Why it failed; None when it went well."""
        try:
            async with asyncio.timeout(health.timeout_s):
                if health.command:
                    return await self._command(health.command)
                if health.tcp:
                    await _connect(*host_and_port(health.tcp))
                    return None
                return await _request(health.http)
        except TimeoutError:
            return f"no answer within {health.timeout_s:g} s"
        except (OSError, EOFError, ValueError) as error:
            return str(error) or type(error).__name__

    async def _command(self, argv: tuple[str, ...]) -> str | None:
        environ = {**os.environb, **{os.fsencode(k): os.fsencode(v) for k, v in self._definition.env.items()}}
        child = await asyncio.create_subprocess_exec(
            *map(os.fsencode, argv),
            cwd=os.fsencode(self._definition.cwd) if self._definition.cwd else None,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = await child.wait()
        finally:
            if child.returncode is None:  # a time-out, or nobody wants to know any more
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await asyncio.shield(child.wait())
        return None if code == 0 else f"{argv[0]} ended with {code}"


async def _connect(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _request(address: str) -> str | None:
    host, port, target, authority = http_place(address)
    reader, writer = await asyncio.open_connection(host, port, limit=_LARGEST_STATUS_LINE)
    try:
        lines = (
            f"GET {target} HTTP/1.1",
            f"Host: {authority}",
            f"User-Agent: roost/{__version__}",
            "Connection: close",
        )
        writer.write("\r\n".join((*lines, "", "")).encode())
        status_line = await reader.readline()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    words = status_line.decode("latin-1").split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        return f"{address} does not speak HTTP"
    return None if 200 <= int(words[1]) < 400 else f"{address} answered {words[1]}"
