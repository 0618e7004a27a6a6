"""Starting a keeper, from the daemon's side. Not part of the keeper's own process."""

from __future__ import annotations

import os
import socket
import sys
import time

from roost.errors import UnavailableError
from roost.keeper import messages as m
from roost.keeper.transport import receive_packet, send_packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from roost.paths import Paths

_BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from roost.keeper.main import main; main()"
_POLL_S = 0.005


def keeper_command(paths: Paths, *, python: str = sys.executable, options: Sequence[str] = ()) -> list[str]:
    """The command line of a keeper of this version: for its start, and for UPGRADE."""
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return [
        os.path.abspath(python),
        *("-X", "utf8", "-I", "-S", "-c", _BOOT, source),
        *("--socket", paths.keeper_socket),
        *("--abstract", "@" + paths.abstract_name[1:]),
        *("--lock", paths.keeper_lock),
        *("--scope", paths.scope),
        *("--log", paths.keeper_log),
        *options,
    ]


def keeper_environment() -> dict[str, str]:
    """What the keeper itself runs with; children get theirs with each spawn. One malloc arena keeps it small, and so
    does no locale's file: its text is UTF-8 by its command line. Whether it may use what is compiled is asked here."""
    wish = {name: os.environ[name] for name in ("ROOST_NATIVE",) if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", "MALLOC_ARENA_MAX": "1", **wish}


def start_keeper(
    paths: Paths, *, python: str = sys.executable, options: Sequence[str] = (), timeout_s: float = 5.0
) -> None:
    """Start a keeper that is no child of ours; returns when it answers.

    Two callers at once get one keeper: its lock decides. Raises UnavailableError, naming the log.
    """
    command = keeper_command(paths, python=python, options=options)
    command.insert(command.index("--socket"), "--launch")
    actions: list[tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, paths.keeper_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
    ]
    try:
        pid = os.posix_spawn(command[0], command, keeper_environment(), file_actions=actions, setsigmask=[])
    except OSError as error:
        raise UnavailableError(f"the keeper cannot be started with {command[0]}: {error.strerror}") from error
    os.waitpid(pid, 0)
    deadline = time.monotonic() + timeout_s
    while not answers_ping(paths.keeper_socket) and not answers_ping(paths.abstract_name):
        if time.monotonic() > deadline:
            raise UnavailableError(f"the keeper did not answer within {timeout_s:.0f} s; see {paths.keeper_log}")
        time.sleep(_POLL_S)


def answers_ping(address: str) -> bool:
    """Whether a keeper listens there and answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(1.0)
        try:
            sock.connect(address)
            send_packet(sock, m.encode(m.PING, 1))
            return receive_packet(sock) is not None
        except OSError:
            return False
