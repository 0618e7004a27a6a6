"""The process of the daemon: arguments, log, lock, keeper; then the loop that `App` runs in.

Owns everything around the loop, and what the process exits with. Knows nothing of sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.util
import logging
import logging.handlers
import os
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from roost.daemon import systemd
from roost.daemon.app import App
from roost.daemon.keeper_link import KeeperLink
from roost.daemon.listening import LEAVE_S, listen_at
from roost.daemon.lock import DaemonLock
from roost.daemon.options import Options, restart_command
from roost.daemon.prompt_loop import PromptLoop
from roost.errors import RoostError, UnavailableError
from roost.keeper.launch import start_keeper
from roost.paths import DEFAULT_SCOPE, Paths
from roost.platform.recall import recall_daemon
from roost.platform.session_mark import shed_mark
from roost.platform.standard_streams import open_missing

_LOG_BYTES = 1 << 20
#: After how many new objects garbage is looked for. A start leaves hundreds behind that live as long as their session.
_NEW_OBJECTS = 10_000
#: With fewer it would fail somewhere else at each start; two or three sessions do with these.
LEAST_OPEN_FILES = 64


def _set_up_process() -> None:
    sys.setswitchinterval(1e-4)  # at the default of 5 ms one busy thread turns a 6 µs wake-up into 5 ms
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < LEAST_OPEN_FILES:
        raise RoostError(
            f"the hard limit of open files is {hard}, and a daemon needs {LEAST_OPEN_FILES}; raise it (`ulimit -Hn`)",
            kind="exhausted",
        )
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    shed_mark()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)


def _set_up_log(paths: Paths, *, foreground: bool) -> None:
    handler: logging.Handler
    if foreground:
        handler = logging.StreamHandler()
    else:
        handler = logging.handlers.RotatingFileHandler(paths.daemon_log, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="roost-daemon", description="The roost daemon.")
    parser.add_argument("--scope", default=None)
    parser.add_argument("--socket-path", default=None)
    parser.add_argument("--db-path", default="")
    parser.add_argument("--foreground", action="store_true", help="log to stderr; not started again by the keeper")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon; the exit code of the process."""
    open_missing()
    given = _arguments(argv)
    try:
        activated = systemd.passed_listener()
        v1_scope = Paths.for_scope(given.scope).scope
        return serve(
            Options(
                scope=given.scope,
                socket_path=given.socket_path,
                db_path=given.db_path,
                foreground=given.foreground,
                listener=activated,
                lent=activated is not None,
                v1_scope=None if v1_scope == DEFAULT_SCOPE else v1_scope,
            )
        )
    except RoostError as error:
        print(f"roost daemon: {error.message}", file=sys.stderr)
        return 1


def serve(options: Options) -> int:
    """Run a daemon until it is stopped; the exit code. Raises RoostError when it cannot start."""
    paths = Paths.for_scope(options.scope)
    paths.ensure_dirs()
    lock = options.lock or DaemonLock(paths.daemon_lock, options.socket_path or paths.daemon_socket)
    if options.lock is None:
        lock.acquire(lambda: recall_daemon(paths.recall_name))
    _set_up_log(paths, foreground=options.foreground)
    _set_up_process()
    again = restart_command(options)
    restart = [] if options.foreground else again  # whoever watches a process in the foreground starts it
    try:
        link = KeeperLink.connect(paths, restart=restart)
    except UnavailableError:
        start_keeper(paths)
        link = KeeperLink.connect(paths, restart=restart)
    except RoostError as error:
        if error.kind == "already_attached":  # its lock file is gone too, or we would not have come so far
            recall_daemon(paths.recall_name)
        raise
    activated = systemd.keep_listener() if options.lent else None
    app = App(paths, replace(options, listener=_listener_for(options, paths, link)))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(app.run(link))
    lock.release()
    app.hang_up()
    stays = app.restart_wanted and (options.foreground or bool(app.next_program))
    if options.lock is None and (app.keeper_lost or stays):
        again[0] = app.next_program or again[0]
        if activated is not None:
            systemd.pass_listener(activated)
        os.execv(again[0], again)  # to start over with a new keeper, or as the same process with the same options
    return 0


def _listener_for(options: Options, paths: Paths, link: KeeperLink) -> socket.socket:
    """The socket to serve. One that cannot be had is no death that the keeper should mend: it is told good-bye."""
    try:
        return options.listener or listen_at(options.socket_path or paths.daemon_socket, patience_s=LEAVE_S)
    except RoostError:
        link.hang_up()
        raise


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's event loop where the extra `fast` is installed, else asyncio's with readers out of turn."""
    if importlib.util.find_spec("uvloop") is None:
        return PromptLoop
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory
