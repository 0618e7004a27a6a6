"""The verbs about recordings and about what can be refreshed in an environment.

Owns nothing: mixed into the client. What the calls say is in `record_calls`.

Generated from `recording` by `make async`.
"""

from __future__ import annotations

from typing import Unpack

from roost import model
from roost.client import record_calls
from roost.client.keywords import Text
from roost.client.record_calls import RecordKeywords
from roost.client.verbs import AsyncVerbs


class AsyncRecordingVerbs(AsyncVerbs):
    """Of a client."""

    async def start_recording(self, target: str, path: Text, **options: Unpack[RecordKeywords]) -> model.RecordingInfo:
        """Records a session to a file from now on, as an asciicast; goes on across restarts of the daemon.

        The options are those of `RecordKeywords`. Raises InvalidError for a file that is there already.
        """
        return await self._perform(record_calls.start(target, path, **options))

    async def stop_recording(self, target: str = "", handle: int | None = None) -> model.RecordingInfo:
        """Ends a recording when its file has what was written up to now; without a handle the session's only one."""
        return await self._perform(record_calls.stop(target, handle))

    async def recordings(self, target: str | None = None) -> list[model.RecordingInfo]:
        """The recordings of a session, ended ones too; of all sessions without a target."""
        return await self._perform(record_calls.list_recordings(target))

    async def refreshable_env(self, target: str = "") -> dict[str, str | None]:
        """What the last interactive client brought along (SSH_AUTH_SOCK, DISPLAY, …); None for what it did not have.

        Empty when no client has told anything. The agent's path is the session's own, which follows the clients.
        """
        return await self._perform(record_calls.refreshable_env(target))
