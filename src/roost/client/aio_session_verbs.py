"""The verbs about sessions that need no handle: look, read, type, signal, end, forget.

Owns nothing: mixed into the client. What the calls say is in `calls`.

Generated from `session_verbs` by `make async`.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from roost.client import calls
from roost.client.backlog import BacklogGathering
from roost.client.results import Sent
from roost.client.screens import get_screen
from roost.client.sending import InputSending
from roost.client.verbs import AsyncVerbs
from roost.errors import RoostError
from roost.model.sessions import Backlog, ExitStatus, SessionInfo, TerminateResult

if TYPE_CHECKING:
    from roost.client.screens import Screen


class AsyncSessionVerbs(AsyncVerbs):
    """Of a client."""

    async def list(self, *, originator: str | None = None, all: bool = True) -> list[SessionInfo]:
        """The sessions, exited ones too unless `all` is false; `originator` keeps those of exactly that owner."""
        return await self._perform(calls.list_sessions(originator, all=all))

    sessions = list

    async def get(self, target: str = "") -> SessionInfo:
        """What the daemon knows of one session."""
        return await self._perform(calls.get_session(target))

    async def backlog(
        self,
        target: str = "",
        *,
        stream: str = "stdout",
        from_offset: int | None = None,
        tail_bytes: int | None = None,
    ) -> Backlog:
        """The retained output up to now, without attaching and without a hole in it."""
        gathering = BacklogGathering(target, stream, from_offset, tail_bytes)
        while not gathering.complete:
            gathering.add(await self._perform(gathering.next_call()))
        return gathering.backlog()

    async def logs(
        self,
        target: str = "",
        *,
        stream: str = "stdout",
        from_offset: int | None = None,
        tail_bytes: int | None = None,
        limit_bytes: int = calls.LOG_PAGE_BYTES,
    ) -> Backlog:
        """One page of retained output: at most `limit_bytes`; go on from its `next_offset`."""
        return await self._perform(
            calls.read_logs(
                target, stream=stream, from_offset=from_offset, tail_bytes=tail_bytes, limit_bytes=limit_bytes
            )
        )

    async def send(self, target: str, data: str | bytes, *, enter: bool = False, paste: bool = False) -> Sent:
        """Types into a session without attaching; returns when the bytes are written to the child.

        `enter` adds the Enter key. `paste` puts the data between brackets, without what could end them early, if the
        program asked for that. Never repeated by itself: after an UnavailableError it may have arrived or not.
        """
        sending = InputSending(target, data.encode() if isinstance(data, str) else data, enter=enter, paste=paste)
        while (call := sending.next_call()) is not None:
            try:
                sending.answered(await self._perform(call))
            except RoostError as error:
                sending.failed(error)
                raise
        return sending.result

    async def close_stdin(self, target: str = "") -> None:
        """Closes the stdin of a pipe session: its child reads end-of-file."""
        await self._perform(calls.close_stdin(target))

    async def resize(self, target: str, rows: int, cols: int) -> tuple[int, int]:
        """Sets the size of the terminal (0 keeps that side); returns the size that it has now."""
        return await self._perform(calls.resize(target, rows, cols))

    async def signal(self, target: str, number: int | str, *, scope: str | None = None) -> builtins.list[int]:
        """Sends a signal ("INT", "SIGINT" or 2) and returns the pids that got it.

        scope: "foreground" (the default for a terminal), "leader", "group" (the default for pipes) or "tree".
        """
        return await self._perform(calls.signal(target, number, scope))

    async def detach(self, target: str = "") -> int:
        """Detaches every client of a session; returns how many there were."""
        return await self._perform(calls.detach(target))

    async def rename(self, target: str, name: str) -> SessionInfo:
        """Gives a session another name."""
        return await self._perform(calls.rename(target, name))

    async def wait(self, target: str = "", timeout_s: float | None = None) -> ExitStatus:
        """Waits for the child to end; without a timeout as long as it takes, also across restarts of the daemon."""
        return await self._perform(calls.wait(target, timeout_s))

    async def terminate(
        self,
        *targets: str,
        grace_s: float = 2.0,
        wait: bool = True,
        older_than_s: float | None = None,
        originator: str | None = None,
    ) -> builtins.list[TerminateResult]:
        """Ends sessions: TERM, after `grace_s` KILL, down to processes that left the session's process group.

        Without targets `older_than_s` and `originator` choose among the live ones. Without `wait` the answer comes at
        once and says only which were chosen.
        """
        return await self._perform(
            calls.terminate(targets, grace_s=grace_s, wait=wait, older_than_s=older_than_s, originator=originator)
        )

    async def purge(
        self, *targets: str, originator: str | None = None, older_than_s: float | None = None
    ) -> builtins.list[str]:
        """Forgets exited sessions and their output; without arguments all of them. Returns their ids."""
        return await self._perform(calls.purge(targets, originator, older_than_s))

    async def env(self, target: str = "") -> dict[str, str]:
        """The environment that a session was started with."""
        return await self._perform(calls.environment(target))

    async def screen(
        self, target: str, *, format: str | None = None, lines: int = 0, if_changed: str | None = None
    ) -> Screen:
        """What a session shows, everything that it has written by now included.

        format: "text", "ansi", "json", "html", "svg" or "png", given as `data`. lines: how many lines of scrollback.
        if_changed: the hash of an earlier answer. Raises InvalidError for a session without a terminal.
        """
        return await self._perform(get_screen(target, format=format, lines=lines, if_changed=if_changed))
