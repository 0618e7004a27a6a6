"""`start`: a daemon in the foreground that can be connected to at once.

Owns the order that makes it quick: check that nobody is there, lock, listen, and only then import the daemon, while the
keeper starts beside. v1's clients give a daemon 750 ms to listen; what they ask meanwhile waits in the queue.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import threading

from roost.daemon.listening import listen_at
from roost.daemon.lock import DaemonLock
from roost.dropin.places import Place
from roost.errors import RoostError
from roost.paths import Paths, check_socket_path

_PROBE_S = 2.0


def start(place: Place, *, service: str | None = None) -> int:
    """Run the daemon of a place until it is stopped; the exit code. Raises RoostError when it cannot start."""
    paths = Paths.for_scope(place.roost_scope)
    place.ensure_runtime_dir()
    paths.ensure_dirs()
    refuse_occupied(place.socket_path)
    lock = DaemonLock(paths.daemon_lock, place.socket_path)
    lock.acquire()
    listener = listen_at(place.socket_path)
    keeper = threading.Thread(target=_start_keeper, args=(paths,), name="keeper start")
    keeper.start()
    if service:
        print(f"service {service}: noted; roost publishes no identity for a broker", file=sys.stderr)
    try:
        from roost.daemon.main import serve
        from roost.daemon.options import Options

        keeper.join()
        return serve(
            Options(
                scope=place.roost_scope,
                socket_path=place.socket_path,
                db_path=place.db_path,
                foreground=True,
                v1_scope=place.scope,
                listener=listener,
                lock=lock,
            )
        )
    except BaseException:
        listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place.socket_path)
        raise


def refuse_occupied(path: str) -> None:
    """Raise RoostError when a daemon, of whatever make, listens at the path, or when something else is there."""
    check_socket_path(path)
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise RoostError(f"{path} is there and is no socket; move it away", kind="denied")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except OSError:
            pass  # somebody listens there, but does not get round to us: that is somebody too
    raise RoostError(
        f"a daemon is already running: {path} is being listened on; use it, or stop it first "
        "with `running-process-daemon stop`",
        kind="already_attached",
    )


def _start_keeper(paths: Paths) -> None:
    from roost.keeper.launch import answers_ping, start_keeper

    try:
        if not answers_ping(paths.abstract_name):
            start_keeper(paths)
    except RoostError:
        return  # the daemon tries again itself, and says what is wrong
