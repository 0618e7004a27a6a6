"""The secrets of webhooks: taken out of the daemon's environment, so that nothing that it starts inherits them.

Owns the variables that were taken. The keeper was given the whole environment before, so the next daemon has them too.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass, field

from roost.core.webhook_rules import read_secrets
from roost.errors import InvalidError


@dataclass(slots=True)
class Secrets:
    """What the environment had under the names that `secret_env` gives."""

    environ: MutableMapping[str, str] = field(default_factory=lambda: os.environ)
    _taken: dict[str, str] = field(default_factory=dict)

    def keys(self, sink: str, name: str) -> tuple[bytes, ...]:
        """The keys in that variable. Raises InvalidError, which names the sink; the variable stays where it is then."""
        text = self._taken.get(name) or self.environ.get(name, "")
        if not text:
            raise InvalidError(
                f"the sink {sink!r} has secret_env = {name!r}, and the daemon's environment has no such variable"
            )
        try:
            keys = read_secrets(text)
        except InvalidError as error:
            raise InvalidError(f"the sink {sink!r}, ${name}: {error.message}") from error
        self._taken[name] = text
        self.environ.pop(name, None)
        return keys
