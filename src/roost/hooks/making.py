"""From a sink's configuration to the sink. Owns which class serves which type.

What only the daemon can check is checked here: that a secret is there, that an installed sink can be made.
"""

from __future__ import annotations

import asyncio
import os
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
from roost.errors import InvalidError
from roost.hooks.command import CommandSink, Place
from roost.hooks.foreign import ForeignSink
from roost.hooks.installed import InstalledSinks
from roost.hooks.jsonl import JsonlSink
from roost.hooks.sink import Sink
from roost.hooks.stdout import StdoutSink
from roost.hooks.unix_listener import UnixListenerSink
from roost.hooks.unix_socket import UnixSocketSink

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What sinks are made of besides their configuration. queue_dir: where webhooks keep their queues."""

    tasks: asyncio.TaskGroup
    queue_dir: str
    place: Callable[[], Place]
    foreground: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def make(self, config: SinkConfig, place: Callable[[], Place] | None = None) -> Sink:
        """The sink; nothing is opened yet. Raises InvalidError when it cannot work as configured."""
        match config.options:
            case Stdout():
                return StdoutSink(config.format, foreground=self.foreground)
            case Jsonl() as options:
                return JsonlSink(options, config.format)
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
        from roost.core.webhook_rules import read_secrets  # here, since few daemons have a webhook
        from roost.hooks.webhook import WebhookSink

        keys: tuple[bytes, ...] = ()
        if options.secret_env:
            secret = self.environ.get(options.secret_env, "")
            if not secret:
                raise InvalidError(
                    f"the sink {config.name!r} has secret_env = {options.secret_env!r}, "
                    "and the daemon's environment has no such variable"
                )
            try:
                keys = read_secrets(secret)
            except InvalidError as error:
                raise InvalidError(f"the sink {config.name!r}, ${options.secret_env}: {error.message}") from error
        return WebhookSink(options, keys, queue_path(self.queue_dir, config.name), config.format)


def queue_path(directory: str, name: str) -> str:
    """The file of the queue of the webhook of that name."""
    safe = _UNSAFE.sub("-", name)[:60]
    return os.path.join(directory, f"{safe}-{zlib.crc32(name.encode()):08x}.sqlite3")
