"""The little that systemd wants to hear: ready, alive, stopping; and the socket it may have opened for us.

Source: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket

_FIRST_LISTEN_FD = 3


def notify(state: str) -> None:
    """Tell systemd a state such as `READY=1`; nothing happens where there is no systemd to tell."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.sendto(state.encode(), address)


def passed_listener() -> socket.socket | None:
    """The listening socket that systemd opened (socket activation), or None."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not os.environ.get("LISTEN_FDS", "").isdigit():
        return None
    if int(os.environ["LISTEN_FDS"]) < 1:
        return None
    os.set_inheritable(_FIRST_LISTEN_FD, False)
    listener = socket.socket(fileno=_FIRST_LISTEN_FD)
    listener.setblocking(False)
    return listener


def keep_listener() -> int:
    """Another descriptor of the passed socket, which outlives the daemon's own."""
    return fcntl.fcntl(_FIRST_LISTEN_FD, fcntl.F_DUPFD_CLOEXEC, _FIRST_LISTEN_FD + 1)


def pass_listener(fd: int) -> None:
    """Put it where this process will look for it when it has executed its program again."""
    os.dup2(fd, _FIRST_LISTEN_FD)


async def keep_watchdog(tell: str = "WATCHDOG=1") -> None:
    """Tell systemd twice an interval that the loop runs; returns at once where no watchdog is set."""
    interval = os.environ.get("WATCHDOG_USEC", "")
    if not interval.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        notify(tell)
        await asyncio.sleep(int(interval) / 2_000_000)
