"""The verbs that act like a person at a terminal: keys, waits, commands in a shell, states.

Owns nothing: mixed into the client. What the calls say is in `calls` and `automation_calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roost.client import automation_calls, calls
from roost.client.verbs import Verbs
from roost.errors import RoostError

if TYPE_CHECKING:
    from roost.client.results import Executed, Receipt, Sent, Waited


class AutomationVerbs(Verbs):
    """Of a client."""

    def keys(self, target: str, *keys: str, text: str = "") -> Sent:
        """Types `text` key by key, then presses keys by name ("C-c", "Up", "Enter"), as the program's modes ask for.

        Raises InvalidError for an unknown name; nothing is written then.
        """
        return self._perform(calls.send_keys(target, keys, text))

    def wait_for(
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
        lists the conditions. Goes on over a restart of the daemon. Raises WaitTimeoutError, and WrongStateError when
        the session exits first.
        """
        try:
            begun = self._perform(automation_calls.begin_wait(target))
        except RoostError as error:
            begun = automation_calls.begun_without(target, error)
        call = automation_calls.wait_for(begun, conditions, all=all, timeout_s=timeout_s, since=since, stream=stream)
        return self._perform(call)

    def exec(
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
        return self._perform(call)

    def explain(self, target: str = "") -> dict[str, Any]:
        """In what state a session is, what every source says of it, and which rules were tried on its screen."""
        return self._perform(automation_calls.explain(target))

    def followup(
        self,
        target: str,
        text: str,
        *,
        key: str = "",
        enter: bool = True,
        paste: bool = True,
        now: bool = False,
        wait: str = "",
        timeout_s: float | None = None,
    ) -> Receipt:
        """Queues text that is typed, and Enter after it, when the session is idle: at the end of an agent's turn, at
        the shell's prompt, or when it is quiet. `now` does not wait for that.

        key: the same key is the same input, so that a repeat is harmless. wait: "written" or "observed", for at most
        `timeout_s`; the receipt says what became of it.
        """
        call = automation_calls.add_followup(
            target, text, key=key, enter=enter, paste=paste, now=now, wait=wait, timeout_s=timeout_s
        )
        return self._perform(call)

    def receipt(self, id: str, *, wait: str = "", timeout_s: float | None = None) -> Receipt:
        """What became of a queued input; `wait` as in `followup`."""
        return self._perform(automation_calls.get_followup(id, wait, timeout_s))

    def receipts(self, target: str | None = None, *, all: bool = False) -> list[Receipt]:
        """The inputs that are not over, with `all` the newest others too; of one session with a target."""
        return self._perform(automation_calls.list_followups(target, all=all))

    def cancel_followup(self, id: str) -> Receipt:
        """Takes back an input that is still queued. Raises WrongStateError for one that is not."""
        return self._perform(automation_calls.cancel_followup(id))
