"""The verbs that act like a person at a terminal, for asyncio: keys, waits, commands in a shell, states.

Owns nothing: mixed into the client and its session handles. What the calls say is in `calls` and `automation_calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from roost.client import automation_calls, calls

if TYPE_CHECKING:
    from roost.client.results import Executed, Sent, Waited

T = TypeVar("T")


class AsyncAutomationVerbs:
    """Of a client."""

    async def _perform(self, request: calls.Request[T]) -> T:
        raise NotImplementedError

    async def keys(self, target: str, *keys: str, text: str = "") -> Sent:
        """Types `text` key by key, then presses keys by name ("C-c", "Up", "Enter"), as the program's modes ask for.

        Raises InvalidError for an unknown name; nothing is written then.
        """
        return await self._perform(calls.send_keys(target, keys, text))

    async def wait_for(
        self,
        target: str,
        *conditions: str,
        all: bool = False,
        timeout_s: float | None = None,
        since: int | None = None,
        stream: str = "stdout",
    ) -> Waited:
        """Waits until one of the conditions (with `all` every one) is met: "text=Ready", "idle=2s", "prompt", "exit".

        Looks from the offset `since` on, or from where the output stood before the newest input. docs/automation.md
        lists the conditions. Raises WaitTimeoutError, and WrongStateError when the session exits first.
        """
        call = automation_calls.wait_for(target, conditions, all=all, timeout_s=timeout_s, since=since, stream=stream)
        return await self._perform(call)

    async def exec(
        self,
        target: str,
        command: str | Sequence[str],
        *,
        timeout_s: float | None = None,
        limit_bytes: int | None = None,
    ) -> Executed:
        """Runs a command line in the session's shell, at its prompt; its output and exit code.

        Where the exit code cannot be known it is None, and `reason` says why. Never repeated by itself.
        """
        call = automation_calls.run_command(target, command, timeout_s=timeout_s, limit_bytes=limit_bytes)
        return await self._perform(call)

    async def explain(self, target: str = "") -> dict[str, Any]:
        """In what state a session is, what every source says of it, and which rules were tried on its screen."""
        return await self._perform(automation_calls.explain(target))
