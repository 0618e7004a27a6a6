"""A start that is passed on by processes of Python that do nothing else: what `Client.spawn` could be at the least.

    relay FD FD     hands on what comes, and the answer with its descriptors, of which it maps the ring
    starter FD      opens a terminal and a ring, starts the child, answers with its pid

The third process is the bench itself. No session, no checks, no record, one start at a time.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import sys

from roost.platform import open_terminal
from roost.ring.layout import DEFAULT_CAPACITY, HEADER_BYTES
from roost.ring.writer import RingWriter, create_ring_file

_MOST = 65536


def relay(client: socket.socket, starter: socket.socket) -> None:
    """Until the client has gone."""
    kept: list[object] = []
    while data := client.recv(_MOST):
        starter.send(data)
        answer, fds, _, _ = socket.recv_fds(starter, _MOST, 8)
        kept.append((fds, mmap.mmap(fds[1], HEADER_BYTES)))
        client.send(answer)


def start(relay: socket.socket) -> None:
    """Until the relay has gone; then the children are ended."""
    kept: list[object] = []
    pids: list[int] = []
    while data := relay.recv(_MOST):
        program, argument, *entries = data.split(b"\0")
        master, slave, path = open_terminal(24, 80)
        ring = create_ring_file("bench", DEFAULT_CAPACITY)
        event = os.eventfd(0, os.EFD_CLOEXEC)
        environ = {name: value for name, _, value in (entry.partition(b"=") for entry in entries)}
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, path, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ]
        pid = os.posix_spawn(
            program,
            [program, argument],
            environ,
            file_actions=actions,
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT],
        )
        os.close(slave)
        kept.append((master, event, ring, RingWriter(ring)))
        pids.append(pid)
        socket.send_fds(relay, [str(pid).encode()], [master, ring, event])
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    role, *numbers = sys.argv[1:]
    sockets = [socket.socket(fileno=int(number)) for number in numbers]
    if role == "relay":
        relay(*sockets)
    else:
        start(*sockets)
