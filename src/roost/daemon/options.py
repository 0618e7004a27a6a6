"""How a daemon is started.

Owns the options of a daemon process and how they become a command line again. Knows neither the parser nor the daemon.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

from roost.daemon.lock import DaemonLock


@dataclass(frozen=True, slots=True)
class Options:
    """What a daemon is told at its start.

    `v1_scope`: what v1's status calls the scope, None for v1's global one. `listener`, `lock`: what a starter in a
    hurry has taken already. `lent`: the listener is systemd's, its file stays.
    """

    scope: str | None = None
    socket_path: str | None = None
    db_path: str = ""
    foreground: bool = False
    v1_scope: str | None = None
    listener: socket.socket | None = None
    lock: DaemonLock | None = None
    lent: bool = False


def restart_command(options: Options) -> list[str]:
    """The command that starts such a daemon again."""
    command = [sys.executable, "-m", "roost.daemon"]
    for flag, value in (
        ("--scope", options.scope),
        ("--socket-path", options.socket_path),
        ("--db-path", options.db_path),
    ):
        if value:
            command += [flag, value]
    if options.foreground:
        command.append("--foreground")
    return command
