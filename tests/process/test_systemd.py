"""What systemd sees of the daemon: its socket is used and left, it is told ready and alive."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from support.instance import Instance, eventually
from support.v1 import V1Client

#: Becomes the daemon with the socket as descriptor 3.
LIKE_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "roost.daemon", "--foreground"])
"""


def test_an_activated_daemon_serves_the_given_socket_and_tells_ready_and_alive() -> None:
    instance = Instance()
    directory = instance.root / "run/roost"
    directory.mkdir(parents=True, mode=0o700)
    process = None
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
    ):
        listener.bind(instance.socket)
        listener.listen()
        told.bind(str(instance.root / "notify"))
        told.settimeout(20)
        environ = {**instance.environ, "NOTIFY_SOCKET": str(instance.root / "notify"), "WATCHDOG_USEC": "100000"}
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", LIKE_SYSTEMD, str(listener.fileno())],
                env=environ,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
            )
            heard = {told.recv(100) for _ in range(4)}
            assert heard == {b"READY=1", b"WATCHDOG=1"}
            with V1Client(instance.socket) as client:
                assert client.request(40).code == 0
                client.call("daemon.stop", kill=True)
            process.wait(20)
            eventually(lambda: told.recv(100) == b"STOPPING=1", what="it says that it stops")
            assert os.path.exists(instance.socket), "the socket is systemd's"
        finally:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
            instance.end()
