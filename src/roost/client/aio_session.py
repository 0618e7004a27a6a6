"""The handle of one session: the verbs of a client, bound to it.

Owns nothing; every verb is the client's of the same name.

Generated from `session` by `make async`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from roost.client.session_identity import Identity, SessionIdentity
from roost.model.sessions import Backlog, ExitStatus, SessionInfo, TerminateResult

if TYPE_CHECKING:
    from roost.client.aio import AsyncClient
    from roost.client.aio_attachment import AsyncAttachment
    from roost.client.aio_event_stream import AsyncEventStream
    from roost.client.expecting import Expected, Match
    from roost.client.keywords import AttachKeywords, EventKeywords
    from roost.client.results import Executed, Sent, Waited
    from roost.client.screens import Screen


class AsyncSession(SessionIdentity):
    """One session of a client."""

    __slots__ = ("client",)

    def __init__(self, client: AsyncClient, info: Identity, *, existing: bool = False) -> None:
        super().__init__(info, existing=existing)
        self.client = client

    async def attach(self, **options: Unpack[AttachKeywords]) -> AsyncAttachment:
        """Attaches to it; the options are those of `AttachKeywords`."""
        return await self.client.attach_session(self, **options)

    async def info(self) -> SessionInfo:
        """What the daemon knows of it now."""
        return await self.client.get(self.id)

    def events(self, **options: Unpack[EventKeywords]) -> AsyncEventStream:
        """What happens in it, until its exit; as `AsyncClient.events`."""
        return self.client.events(self.id, **options)

    async def backlog(
        self, *, stream: str = "stdout", from_offset: int | None = None, tail_bytes: int | None = None
    ) -> Backlog:
        """Its retained output up to now."""
        return await self.client.backlog(self.id, stream=stream, from_offset=from_offset, tail_bytes=tail_bytes)

    async def logs(self, **options: Any) -> Backlog:
        """One page of its retained output; the options are those of `AsyncClient.logs`."""
        return await self.client.logs(self.id, **options)

    async def send(self, data: str | bytes, *, enter: bool = False, paste: bool = False) -> Sent:
        """Types into it; the options are those of `AsyncClient.send`."""
        return await self.client.send(self.id, data, enter=enter, paste=paste)

    async def screen(self, *, format: str | None = None, lines: int = 0, if_changed: str | None = None) -> Screen:
        """What it shows; see `AsyncClient.screen`."""
        return await self.client.screen(self.id, format=format, lines=lines, if_changed=if_changed)

    async def keys(self, *keys: str, text: str = "") -> Sent:
        """Types `text`, then presses keys by name."""
        return await self.client.keys(self.id, *keys, text=text)

    async def wait_for(
        self,
        *conditions: str,
        all: bool = False,
        timeout_s: float | None = None,
        since: int | None = None,
        stream: str = "stdout",
    ) -> Waited:
        """Waits until one of the conditions, with `all` every one, is met."""
        return await self.client.wait_for(
            self.id, *conditions, all=all, timeout_s=timeout_s, since=since, stream=stream
        )

    async def expect(
        self,
        patterns: Expected | Sequence[Expected],
        *,
        timeout_s: float | None = 30.0,
        on: str = "output",
        exact: bool = False,
    ) -> Match:
        """Waits for one of the patterns (regular expressions; with `exact` just text) behind the cursor.

        on: "output", "text" (the output without escape sequences) or "screen". The cursor then stands behind the match,
        so that the next call goes on there. EOF and TIMEOUT among the patterns are matched in the place of the errors
        WrongStateError and WaitTimeoutError.
        """
        from roost.client.aio_session_expect import expect

        return await expect(
            self.client, self.id, self.name, self.cursor, patterns, timeout_s=timeout_s, on=on, exact=exact
        )

    async def exec(
        self, command: str | Sequence[str], *, timeout_s: float | None = None, limit_bytes: int | None = None
    ) -> Executed:
        """Runs a command in its shell; the options are those of the client's `exec`."""
        return await self.client.exec(self.id, command, timeout_s=timeout_s, limit_bytes=limit_bytes)

    async def explain(self) -> dict[str, Any]:
        """In what state it is, and why."""
        return await self.client.explain(self.id)

    async def close_stdin(self) -> None:
        """Closes the stdin of its child (pipe sessions)."""
        await self.client.close_stdin(self.id)

    async def resize(self, rows: int, cols: int) -> tuple[int, int]:
        """Sets the size of its terminal; returns the size that it has now."""
        return await self.client.resize(self.id, rows, cols)

    async def signal(self, number: int | str, *, scope: str | None = None) -> list[int]:
        """Sends it a signal; returns the pids that got it."""
        return await self.client.signal(self.id, number, scope=scope)

    async def detach(self) -> int:
        """Detaches all its clients; returns how many there were."""
        return await self.client.detach(self.id)

    async def rename(self, name: str) -> SessionInfo:
        """Gives it another name."""
        info = await self.client.rename(self.id, name)
        self.name = info.name
        return info

    async def restart(self, *, grace_s: float = 2.0) -> AsyncSession:
        """Ends it and starts its command again; returns the new session."""
        return await self.client.restart(self.id, grace_s=grace_s)

    async def wait(self, timeout_s: float | None = None) -> ExitStatus:
        """Waits for its child to end."""
        return await self.client.wait(self.id, timeout_s)

    async def terminate(self, *, grace_s: float = 2.0, wait: bool = True) -> TerminateResult:
        """Ends it; says what that took."""
        results = await self.client.terminate(self.id, grace_s=grace_s, wait=wait)
        return results[0]

    async def purge(self) -> None:
        """Forgets it and its output, once it has exited."""
        await self.client.purge(self.id)

    async def env(self) -> dict[str, str]:
        """The environment that it was started with."""
        return await self.client.env(self.id)
