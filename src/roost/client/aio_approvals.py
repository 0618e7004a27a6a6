"""The verbs about approvals.

Owns nothing: it is handed the client's way to perform a call.

Generated from `approvals` by `make async`.
"""

from __future__ import annotations

from roost.client import approval_calls as calls
from roost.client.results import ApprovalInfo
from roost.client.verbs import AsyncPerform


class AsyncApprovals:
    """What programs ask for, and the answers."""

    def __init__(self, perform: AsyncPerform) -> None:
        self._perform = perform

    async def ask(
        self,
        tool: str,
        detail: str = "",
        *,
        target: str | None = None,
        timeout_s: float = 60.0,
        id: str = "",
        wait: bool = True,
    ) -> ApprovalInfo:
        """Asks whether `tool` may do what `detail` says, and waits for the answer, also over a restart of the daemon.

        target: the session that it is about, that of this process without one. id: whoever asks again by it gets the
        same answer. Without `wait` it returns at once; `get` tells what became of it. Only `approved` of the answer
        means yes; an error or an expired request does not.
        """
        return await self._perform(calls.ask(tool, detail, target, timeout_s, id or calls.new_id(), wait=wait))

    async def list(self, target: str | None = None, *, all: bool = False) -> list[ApprovalInfo]:
        """What is pending, oldest first; with `all` also the newest that are over. Of one session with a target."""
        return await self._perform(calls.list_approvals(target, all=all))

    async def get(self, id: str) -> ApprovalInfo:
        """One of them."""
        return await self._perform(calls.get(id))

    async def approve(self, id: str, reason: str = "") -> ApprovalInfo:
        """Says yes. Raises WrongStateError when it is over; an answer counts once."""
        return await self._perform(calls.answer(id, "approve", reason))

    async def deny(self, id: str, reason: str = "") -> ApprovalInfo:
        """Says no; as `approve`."""
        return await self._perform(calls.answer(id, "deny", reason))

    async def withdraw(self, id: str) -> ApprovalInfo:
        """Takes a request back."""
        return await self._perform(calls.withdraw(id))
