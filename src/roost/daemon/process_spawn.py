"""Starting a command that belongs to nobody: a session of its own, no terminal, stdio on /dev/null.

Owns the start and the reaping. It is not a roost session: no output is kept, and it is the daemon's child, so after the
daemon's end it goes on as a child of init.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roost.daemon.environment import (
    ORIGINATOR_VARIABLE,
    Pairs,
    base_environment,
    child_environment,
    current_user,
)
from roost.errors import InvalidError, RoostError

if TYPE_CHECKING:
    import subprocess

DAEMON_VARIABLE = b"RUNNING_PROCESS_IS_DAEMON"
_SHELL = b"/bin/sh"


@dataclass(frozen=True, slots=True)
class DetachedSpec:
    """A command line for the shell, and what it is to run in."""

    command: str
    cwd: str
    entries: Pairs
    policy: int
    clear: bool
    originator: str
    client_pid: int = 0


def detached_environment(spec: DetachedSpec) -> Pairs:
    """The environment of the command. Raises InvalidError for an unknown policy or an impossible variable."""
    if spec.policy not in (0, 1, 2, 3):
        raise InvalidError("unknown environment policy")
    own: Pairs = [(DAEMON_VARIABLE, b"1")]
    if spec.originator:
        own.append((ORIGINATOR_VARIABLE, os.fsencode(spec.originator)))
    base = base_environment(spec.policy, spec.clear, os.environb, current_user())
    return child_environment(base, spec.entries, own)


def start_detached(spec: DetachedSpec, environment: Iterable[tuple[bytes, bytes]]) -> subprocess.Popen[bytes]:
    """Start the command; blocks until it runs. Raises RoostError (internal) when it cannot be started.

    `posix_spawn` cannot change the directory for the child alone, and changing the daemon's would be seen by its other
    threads; `Popen` does it between vfork and exec.
    """
    import subprocess

    if "\0" in spec.command or "\0" in spec.cwd:
        raise InvalidError("a NUL byte in the command or cwd: the system cannot pass it on")
    try:
        child = subprocess.Popen(
            [_SHELL, b"-lc", os.fsencode(spec.command)],
            cwd=os.fsencode(spec.cwd) or None,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise RoostError(f"failed to spawn detached command: {error.strerror}: {error.filename!r}") from error
    _give_client_limit(child.pid, spec.client_pid)
    return child


def _give_client_limit(pid: int, client_pid: int) -> None:
    """The soft limit of open files that the client has: the daemon raised its own, which is no child's business."""
    try:
        soft, _ = resource.prlimit(client_pid, resource.RLIMIT_NOFILE)
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        if hard == resource.RLIM_INFINITY or soft <= hard:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    except (OSError, ValueError):
        return  # the client is gone or another user's: the child keeps the daemon's limit
