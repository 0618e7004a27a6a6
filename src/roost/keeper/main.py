"""The keeper's entry: command line, process attributes, and the three things the program can be.

--launch      become independent of whoever started us, then the keeper itself
--self-test   prove that this image can run, for an upgrade; ends with status 0
otherwise     the keeper
"""

from __future__ import annotations

import gc
import os
import sys

from roost.errors import RoostError
from roost.keeper.drain import Drain
from roost.keeper.keeper import Keeper, Options
from roost.keeper.log import Log
from roost.keeper.pump import load
from roost.keeper.signals import SIGHUP, SIGINT, SIGPIPE, SIGQUIT, ignore
from roost.keeper.state import State, decode_state, encode_state
from roost.platform import become_subreaper
from roost.platform.session_mark import shed_mark

#: Another keeper of this scope is running.
EXIT_TAKEN = 3
EXIT_FAILED = 1

_TEXTS = ("socket", "abstract", "lock", "scope", "log")
_SECONDS = ("idle-s", "hold-release-s", "path-check-s")


def main() -> None:
    """Run what the command line says. Does not return."""
    arguments = sys.argv[1:]
    if "--launch" in arguments:
        _launch()
    if "--self-test" in arguments:
        _self_test(arguments)
        os._exit(0)
    os._exit(_keep(arguments))


def _keep(arguments: list[str]) -> int:
    options = parse(arguments)
    gc.disable()  # cycles are broken by hand; a collection would stop all draining
    sys.setswitchinterval(1e-4)
    ignore(SIGHUP, SIGINT, SIGQUIT, SIGPIPE)
    os.chdir("/")
    os.umask(0o077)
    shed_mark()
    try:
        Keeper(options).run()
    except RoostError as error:
        Log(options.log).write(f"keeper cannot run: {error.message}")
        return EXIT_TAKEN if error.kind == "already_attached" else EXIT_FAILED
    return 0


def parse(arguments: list[str]) -> Options:
    """The options of a command line (argparse would cost a megabyte). Unknown ones are a fault: SystemExit."""
    options = Options()
    rest = [argument for argument in arguments if argument != "--self-test"]
    if len(rest) % 2:
        raise SystemExit(f"keeper: {rest[-1]} needs a value")
    for flag, value in zip(rest[::2], rest[1::2], strict=True):
        name = flag.removeprefix("--")
        if name in _TEXTS:
            setattr(options, name, value)
        elif name in _SECONDS:
            setattr(options, name.replace("-", "_"), float(value))
        elif name == "restore":
            options.restore = int(value)
        else:
            raise SystemExit(f"keeper: unknown option {flag}")
    return options


def _launch() -> None:
    """Leave the starter: fork, so that it is not our parent; then a session of our own, and adopt orphans from now on.

    The fork is safe here: nothing else runs in this process. The attributes survive the exec that drops the megabytes
    which only this step needed.
    """
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    become_subreaper()
    os.closerange(3, 1 << 30)  # what the starter let slip would be every child's
    arguments = [argument for argument in sys.orig_argv if argument != "--launch"]
    os.execv(sys.executable, arguments)


def _self_test(arguments: list[str]) -> None:
    parse(arguments)
    state = State()
    state.wake_fds = [3, 4]
    if decode_state(encode_state(state)).wake_fds != [3, 4]:
        raise SystemExit("keeper: the state does not survive its own coding")
    wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    thread = Drain(wake_fd, lambda _what, _subject: None, lambda _: None, load())  # a pump that crashes does it here
    thread.start()
    thread.stop()
