"""The verbs that act like a person at a terminal: keys, waits, commands in a shell, states.

Owns nothing: mixed into the client and its session handles. What the calls say is in `calls` and `automation_calls`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from roost.client import calls

if TYPE_CHECKING:
    from roost.client.results import Sent

T = TypeVar("T")


class AutomationVerbs:
    """Of a client."""

    def _perform(self, request: calls.Request[T]) -> T:
        raise NotImplementedError

    def keys(self, target: str, *keys: str, text: str = "") -> Sent:
        """Types `text` key by key, then presses keys by name ("C-c", "Up", "Enter"), as the program's modes ask for.

        Raises InvalidError for an unknown name; nothing is written then.
        """
        return self._perform(calls.send_keys(target, keys, text))
