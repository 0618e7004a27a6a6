"""The commands of `running-process-daemon` besides `start`: flags, and which of the reports below each is.

Every command takes `--scope` and `--socket-path`, before or behind its name, and talks to the daemon of that place.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from roost.core.durations import parse_duration
from roost.dropin import reports
from roost.dropin.places import Place
from roost.errors import InvalidError

_GRACE_MS = 2000


def run(args: list[str]) -> int:
    """Carry out a command line; its exit code. Raises RoostError."""
    options = _parser().parse_args(args)
    place = Place(options.scope, options.socket_path, getattr(options, "db_path", None))
    code: int = options.run(place, options)
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--scope", metavar="S", help="the daemon of that scope (default: the global one)")
    common.add_argument("--socket-path", metavar="P", help="the daemon that listens there")
    parser = argparse.ArgumentParser("running-process-daemon", description="roost as a protocol v1 daemon.")
    parser.add_argument("--scope", metavar="S", default=None)
    parser.add_argument("--socket-path", metavar="P", default=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(to: Any, name: str, what: str, run: Callable[[Place, Any], int]) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = to.add_parser(name, parents=[common], help=what, description=what)
        command.set_defaults(run=run)
        return command

    _add_start(add(commands, "start", "run the daemon in the foreground", _start))
    add(commands, "stop", "stop the daemon and end its sessions", reports.stop)
    add(commands, "ping", "ask the daemon for a sign of life", reports.ping)
    add(commands, "status", "what the daemon says of itself", reports.status)
    _add_processes(add, commands)
    sessions = commands.add_parser("sessions", parents=[common], help="list and end sessions, read their output")
    _add_sessions(add, sessions.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def _add_start(command: argparse.ArgumentParser) -> None:
    command.add_argument("--db-path", metavar="D", help="file of the process registry")
    command.add_argument("--service", metavar="N", help="accepted; roost publishes no identity for a broker")


def _add_processes(add: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    command = add(commands, "list", "list registered processes", reports.list_processes)
    command.add_argument("--json", action="store_true")
    command.add_argument("--originator", metavar="TOOL", help="only those registered on behalf of TOOL:...")
    command = add(commands, "kill-zombies", "forget entries that are gone, kill orphans", reports.kill_zombies)
    command.add_argument("--dry-run", action="store_true", help="only tell")
    add(commands, "kill", "kill a process and everything below it", reports.kill).add_argument("pid", type=_pid)
    add(commands, "tree", "draw the tree below a process", reports.tree).add_argument("pid", type=_pid)


def _add_sessions(add: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    command = add(commands, "list", "list sessions", reports.list_sessions)
    _add_originator(command)
    kinds = command.add_mutually_exclusive_group()
    kinds.add_argument("--pty", action="store_true", help="only terminal sessions")
    kinds.add_argument("--pipe", action="store_true", help="only pipe sessions")
    command = add(commands, "terminate", "end a session: TERM, grace, KILL", reports.terminate)
    command.add_argument("session_id")
    command.add_argument("--grace-ms", type=_count, default=_GRACE_MS, metavar="MS")
    command.add_argument("--pipe", action="store_true", help="accepted; ids of both kinds are known")
    command = add(commands, "log", "print the retained output of a session", reports.log)
    command.add_argument("session_id")
    command.add_argument("--stream", choices=("stdout", "stderr"), default="stdout")
    _add_originator(add(commands, "purge", "forget exited sessions", reports.purge))
    command = add(commands, "kill-older", "end sessions that are older than that", reports.kill_older)
    command.add_argument("--older-than", type=_duration, default=0.0, metavar="TIME", help="90, 30m, 1d; 0 is all")
    command.add_argument("--grace-ms", type=_count, default=_GRACE_MS, metavar="MS")
    _add_originator(command)


def _add_originator(command: argparse.ArgumentParser) -> None:
    command.add_argument("--originator", default="", metavar="NAME", help="only those of exactly that owner")


def _start(place: Place, options: Any) -> int:
    from roost.dropin.start import start

    return start(place, service=getattr(options, "service", None))


def _pid(given: str) -> int:
    return _number(given, 1, "a pid")


def _count(given: str) -> int:
    return _number(given, 0, "a number of milliseconds")


def _number(given: str, least: int, what: str) -> int:
    if not (given.isascii() and given.isdigit() and least <= int(given) < 1 << 32):
        raise argparse.ArgumentTypeError(f"{given!r} is not {what}")
    return int(given)


def _duration(given: str) -> float:
    try:
        return parse_duration(given)
    except InvalidError as error:
        raise argparse.ArgumentTypeError(error.message) from error
