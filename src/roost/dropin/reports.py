"""What each command of `running-process-daemon` asks the daemon, and the lines that it prints."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from roost.client.faults import DaemonAbsentError
from roost.core.shown import age, aligned, printable
from roost.dropin.ask import CLIENT_NAME, PING, SHUTDOWN, STATUS, ask, not_running, server_time_ms, status_fields
from roost.dropin.places import Place
from roost.errors import RoostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from roost.client import Client
    from roost.model.sessions import SessionInfo, TerminateResult


def _client(place: Place) -> Client:
    from roost.client import Client

    return Client(place.socket_path, autostart=False, client_name=CLIENT_NAME)


def _asked(place: Place, verb: Callable[[Client], Any]) -> Any:
    try:
        with _client(place) as client:
            return verb(client)
    except DaemonAbsentError:
        raise not_running(place.socket_path) from None


# --- the daemon -------------------------------------------------------------------------------------------------------


def stop(place: Place, _options: Any) -> int:
    """Stop it; its sessions end."""
    ask(place.socket_path, SHUTDOWN)
    print("daemon is shutting down")
    return 0


def ping(place: Place, _options: Any) -> int:
    """Print its clock."""
    print(f"pong (server time: {server_time_ms(ask(place.socket_path, PING))}ms)")
    return 0


def status(place: Place, _options: Any) -> int:
    """Print what it says of itself."""
    told = status_fields(ask(place.socket_path, STATUS))
    print(f"version:          {told['version']}")
    print(f"uptime:           {told['uptime_seconds']}s")
    print(f"tracked procs:    {told['tracked_process_count']}")
    print(f"active conns:     {told['active_connections']}")
    print(f"socket:           {told['socket_path']}")
    print(f"db:               {told['db_path']}")
    print(f"scope:            {told['scope']}")
    print(f"scope_hash:       {told['scope_hash']}")
    print(f"scope_cwd:        {told['scope_cwd']}")
    return 0


# --- processes --------------------------------------------------------------------------------------------------------


def list_processes(place: Place, options: Any) -> int:
    """Print the process registry."""
    found = _asked(place, lambda client: client.processes(originator=options.originator))
    if options.json:
        print(json.dumps([process.to_json() for process in found], indent=2, ensure_ascii=False))
    elif not found:
        print("no tracked processes")
    else:
        rows = [(str(p.pid), p.state, printable(p.kind), age(p.uptime_seconds), printable(p.command)) for p in found]
        print(aligned([("PID", "STATE", "KIND", "UPTIME", "COMMAND"), *rows]), end="")
    return 0


def kill_zombies(place: Place, options: Any) -> int:
    """Forget what stands for nothing, and print it."""
    found = _asked(place, lambda client: client.kill_zombies(dry_run=options.dry_run))
    for zombie in found:
        done = "found" if options.dry_run else "ended" if zombie.killed else "forgotten"
        print(f"  {zombie.pid}  {printable(zombie.command)}  {zombie.reason}  [{done}]")
    print(f"{len(found)} zombie(s)" if found else "no zombies found")
    return 0


def kill(place: Place, options: Any) -> int:
    """Kill a tree."""
    killed = _asked(place, lambda client: client.kill_tree(options.pid))
    print(f"killed {killed} process(es) in the tree of {options.pid}")
    return 0


def tree(place: Place, options: Any) -> int:
    """Draw a tree."""
    print(_asked(place, lambda client: client.process_tree(options.pid)))
    return 0


# --- sessions ---------------------------------------------------------------------------------------------------------


def list_sessions(place: Place, options: Any) -> int:
    """Print the sessions, exited ones too, each kind for itself."""
    found = _asked(place, lambda client: client.list(originator=options.originator or None, all=True))
    if not options.pipe:
        _print_sessions("PTY", [s for s in found if s.kind == "pty"])
    if not options.pty:
        _print_sessions("pipe", [s for s in found if s.kind == "pipe"])
    return 0


def _print_sessions(kind: str, sessions: list[SessionInfo]) -> None:
    if not sessions:
        print(f"no {kind} sessions")
        return
    print(f"{kind[0].upper()}{kind[1:]} sessions:")
    rows = [(f"  {s.id}", str(s.pid), _state(s), "yes" if s.attached else "no", printable(s.command)) for s in sessions]
    print(aligned([("  SESSION_ID", "PID", "STATE", "ATTACHED", "COMMAND"), *rows]), end="")


def _state(session: SessionInfo) -> str:
    if session.running:
        return "running"
    return "exit(?)" if session.exit_code is None else f"exit({session.exit_code})"


def terminate(place: Place, options: Any) -> int:
    """Have a session ended; the schedule runs in the daemon."""
    results: list[TerminateResult] = _asked(
        place, lambda client: client.terminate(options.session_id, grace_s=options.grace_ms / 1000, wait=False)
    )
    for result in results:
        if result.error:
            raise RoostError(result.error)
        print(f"session {result.session_id} terminate scheduled")
    return 0


def log(place: Place, options: Any) -> int:
    """Write the retained output, byte by byte as it is."""
    found = _asked(place, lambda client: client.backlog(options.session_id, stream=options.stream))
    if found.missed:
        print(f"({found.missed} bytes before this are no longer retained)", file=sys.stderr)
    rest = memoryview(found.data)
    while rest:
        rest = rest[os.write(1, rest) :]
    return 0


def purge(place: Place, options: Any) -> int:
    """Forget exited sessions."""
    purged = _asked(place, lambda client: client.purge(originator=options.originator or None))
    print(f"purged {len(purged)} session(s)")
    return 0


def kill_older(place: Place, options: Any) -> int:
    """Have every session ended that is older than a time."""
    results = _asked(
        place,
        lambda client: client.terminate(
            grace_s=options.grace_ms / 1000,
            wait=False,
            older_than_s=options.older_than,
            originator=options.originator or None,
        ),
    )
    print(f"terminate scheduled for {len(results)} session(s)")
    return 0
