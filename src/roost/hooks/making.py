"""From a sink's configuration to the sink. Owns which class serves which type.

What only the daemon can check is checked here: that a secret is there, that an installed sink can be made.
"""

from __future__ import annotations

import asyncio
import os
import re
import zlib
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from roost.core.config_sinks import (
    Command,
    Foreign,
    Jsonl,
    SinkConfig,
    Stdout,
    UnixListener,
    UnixSocket,
    Webhook,
)
from roost.hooks.command import CommandSink, Place
from roost.hooks.foreign import ForeignSink
from roost.hooks.installed import InstalledSinks
from roost.hooks.jsonl import JsonlSink
from roost.hooks.mark import Mark
from roost.hooks.sink import Sink
from roost.hooks.stdout import StdoutSink
from roost.hooks.unix_listener import UnixListenerSink
from roost.hooks.unix_socket import UnixSocketSink

if TYPE_CHECKING:
    from roost.hooks.secrets import Secrets

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(slots=True)
class Workshop:
    """What sinks are made of besides their configuration. state_dir: where they keep queues and marks."""

    tasks: asyncio.TaskGroup
    state_dir: str
    place: Callable[[], Place]
    foreground: bool = False
    environ: MutableMapping[str, str] = field(default_factory=lambda: os.environ)
    secrets: Secrets | None = None

    def make(self, config: SinkConfig, place: Callable[[], Place] | None = None) -> Sink:
        """The sink; nothing is opened yet. Raises InvalidError when it cannot work as configured."""
        match config.options:
            case Stdout():
                return StdoutSink(config.format, foreground=self.foreground)
            case Jsonl() as options:
                return JsonlSink(options, config.format, Mark(own_path(self.state_dir, config.name, "mark")))
            case UnixSocket() as options:
                return UnixSocketSink(options, config.format, self.tasks)
            case UnixListener() as options:
                return UnixListenerSink(options, config.format)
            case Command() as options:
                return CommandSink(options, place or self.place, self.tasks)
            case Webhook() as options:
                return self._webhook(config, options)
            case Foreign() as options:
                made = InstalledSinks().make(config.type, options.options)
                return ForeignSink(made, config.type, config.format)

    def _webhook(self, config: SinkConfig, options: Webhook) -> Sink:
        from roost.hooks.webhook import WebhookSink  # here, since few daemons have a webhook

        keys: tuple[bytes, ...] = ()
        if options.secret_env:
            if self.secrets is None:
                from roost.hooks.secrets import Secrets

                self.secrets = Secrets(self.environ)
            keys = self.secrets.keys(config.name, options.secret_env)
        return WebhookSink(options, keys, own_path(self.state_dir, config.name, "sqlite3"), config.format)


def own_path(directory: str, name: str, ending: str) -> str:
    """A file of the sink of that name."""
    safe = _UNSAFE.sub("-", name)[:60]
    return os.path.join(directory, f"{safe}-{zlib.crc32(name.encode()):08x}.{ending}")
