"""`roost daemon`: start, stop, restart and look at the daemon. Sessions live in the keeper and do not mind."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.copying import write_all
from roost.cli.failures import OK, say
from roost.cli.hung import ANSWERS_WITHIN_S, hung_error
from roost.cli.output import print_json, print_pairs
from roost.cli.values import DURATION
from roost.cli.wording import count, show_duration
from roost.errors import InvalidError, NoRunError, RoostError, UnavailableError, WaitTimeoutError
from roost.paths import Paths

if TYPE_CHECKING:
    from roost.model.settings import DaemonStatus

_LOG_POLL_S = 0.2
_LAST_LINES = 50
#: How often is looked for the next daemon, and how long others have for starting it.
_NEXT_POLL_S = 0.02
_STEP_IN_S = 3.0


@click.group("daemon")
def daemon_command() -> None:
    """Start, stop and look at the daemon. It starts by itself when a command needs it."""


@daemon_command.command("start")
@click.option("--foreground", is_flag=True, help="Become the daemon, for a service manager.")
@json_option
@pass_invocation
def start_command(invocation: Invocation, /, *, foreground: bool, as_json: bool) -> int:
    """Start the daemon and wait until it answers."""
    if foreground:
        _become_daemon(invocation)
    running = _status(invocation)
    if running is None:
        with invocation.client() as client:
            status = client.status()
    else:
        status = running
    if as_json:
        print_json(status)
    else:
        say(f"the daemon {'runs already' if running else 'runs'}, pid {status.pid}, on {status.socket}")
    return OK


@daemon_command.command("stop")
@click.option("--kill", is_flag=True, help="End every session too.")
@click.option("--timeout", type=DURATION, default=10.0, metavar="TIME", help="How long that may take (default 10s).")
@json_option
@pass_invocation
def stop_command(invocation: Invocation, /, *, kill: bool, timeout: float, as_json: bool) -> int:
    """Stop the daemon. Sessions go on in the keeper, and the next daemon finds them; --kill ends them."""
    status = _status(invocation, timeout)
    if status is None:
        raise _absent(invocation)
    with invocation.client(autostart=False) as client:
        left = client.stop(kill=kill, timeout_s=timeout)
    _await_end(status.pid, timeout)
    if as_json:
        print_json({"sessions_left": left})
    elif left:
        runs = "runs" if left == 1 else "run"
        say(
            f"the daemon stopped; {count(left, 'session')} {runs} on in the keeper (roost daemon stop --kill ends them)"
        )
    else:
        say("the daemon stopped; no session is running")
    return OK


@daemon_command.command("restart")
@click.option(
    "--timeout", type=DURATION, default=10.0, metavar="TIME", help="How long stopping may take (default 10s)."
)
@click.option("--keeper", is_flag=True, help="Let the keeper become what is installed, too; its sessions go on.")
@json_option
@pass_invocation
def restart_command(invocation: Invocation, /, *, timeout: float, keeper: bool, as_json: bool) -> int:
    """Stop the daemon and start it again, for example after an update. Attached clients come back by themselves."""
    old = _status(invocation, timeout)
    if old is None:
        with invocation.client() as client:
            status = client.status()
    else:
        status = _replace(invocation, old.pid, timeout)
    if keeper:
        with invocation.client() as client:
            client.upgrade_keeper()
    if as_json:
        print_json(status)
    else:
        say(f"the daemon runs, pid {status.pid}{f' (before: {old.pid})' if old else ''}")
        if keeper:
            running = count(status.running, "session")
            say(f"the keeper became what is installed, still pid {status.keeper_pid}, with {running}")
    return OK


@daemon_command.command("reload")
@json_option
@pass_invocation
def reload_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Apply the configuration as it is now in its file; one with mistakes is refused, and nothing changes then."""
    with invocation.client(autostart=False) as client:
        config = client.reload_config()
    if as_json:
        print_json(config)
    else:
        say(
            f"reloaded {config.file}" if config.origin == "file" else f"{config.file} does not exist: the defaults hold"
        )
    return OK


@daemon_command.command("status")
@json_option
@pass_invocation
def status_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Show the daemon and its keeper. Exits with 6 when no daemon runs; starts none."""
    status = _answered(invocation)
    if as_json:
        print_json(status)
    else:
        _print_status(status)
    return OK


@daemon_command.command("logs")
@click.option(
    "-n", "--tail", type=click.IntRange(min=0), default=_LAST_LINES, metavar="N", help="Last lines (default 50)."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what follows.")
@json_option
@pass_invocation
def logs_command(invocation: Invocation, /, *, tail: int, follow: bool, as_json: bool) -> int:
    """Show the daemon's own log."""
    if as_json and follow:
        raise click.UsageError("--json prints one document; it cannot --follow")
    path = Paths.for_scope(invocation.scope).daemon_log
    try:
        with open(path, "rb") as log:
            lines = log.read().splitlines(keepends=True)[-tail or sys.maxsize :]
            if as_json:
                print_json({"path": path, "lines": [line.decode(errors="replace").rstrip("\n") for line in lines]})
                return OK
            write_all(1, b"".join(lines))
            if follow:
                _follow(path, log)
    except FileNotFoundError as error:
        raise NoRunError(
            f"{path} does not exist: no daemon has run here; start one with `roost daemon start`"
        ) from error
    return OK


def _follow(path: str, log: BinaryIO) -> NoReturn:
    """Shows what comes, also in the file that a full one is replaced by."""
    with contextlib.ExitStack() as opened:
        while True:
            try:
                replaced = not os.path.samestat(os.stat(path), os.fstat(log.fileno()))
            except FileNotFoundError:  # between the one and the next
                replaced = False
            write_all(1, log.read())
            if replaced:
                opened.close()
                log = opened.enter_context(open(path, "rb"))
            else:
                time.sleep(_LOG_POLL_S)


def _status(invocation: Invocation, within_s: float = ANSWERS_WITHIN_S) -> DaemonStatus | None:
    """The status of the daemon that runs, None without one."""
    from roost.client.faults import DaemonAbsentError

    try:
        return _answered(invocation, within_s)
    except DaemonAbsentError:
        return None


def _answered(invocation: Invocation, within_s: float = ANSWERS_WITHIN_S) -> DaemonStatus:
    try:
        with invocation.client(autostart=False, timeout_s=within_s) as client:
            return client.status()
    except WaitTimeoutError as error:
        raise hung_error(invocation.scope, within_s) from error


def _replace(invocation: Invocation, pid: int, timeout_s: float) -> DaemonStatus:
    """Have another daemon in the place of one, of the roost that asks; its status."""
    asked_at = time.monotonic()
    program = sys.executable if _is_elsewhere(pid) else ""
    with invocation.client(autostart=False) as client:
        try:
            client.stop(restart=True, program=program, timeout_s=timeout_s)
        except InvalidError:
            if not program:
                raise
            client.stop(restart=True, timeout_s=timeout_s)  # it is of a roost that cannot become another
    return _await_next(invocation, pid, asked_at, timeout_s)


def _is_elsewhere(pid: int) -> bool:
    """Whether a daemon in the background is of another installation, which would start that one's daemon again."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return False
    return b"--foreground" not in words and os.path.dirname(words[0]) != os.fsencode(os.path.dirname(sys.executable))


def _await_next(invocation: Invocation, old_pid: int, asked_at: float, timeout_s: float) -> DaemonStatus:
    """The status of the daemon that follows, which the keeper or the old process itself starts.

    One started from here at once would only stand in its way; it is when nobody else has done so for a while.
    """
    while time.monotonic() - asked_at < timeout_s:
        status = _status(invocation)
        if status is None and time.monotonic() - asked_at > _STEP_IN_S:
            _await_end(old_pid, timeout_s)
            break
        if status is not None and (status.pid != old_pid or status.uptime_s < time.monotonic() - asked_at):
            return status
        time.sleep(_NEXT_POLL_S)
    else:
        _await_end(old_pid, 0.0)
    with invocation.client() as client:
        return client.status()


def _absent(invocation: Invocation) -> RoostError:
    socket = Paths.for_scope(invocation.scope).client_socket
    return RoostError(f"no daemon runs on {socket}; there is nothing to stop", kind="wrong_state")


def _await_end(pid: int, timeout_s: float) -> None:
    """Waits for the process to be gone; UnavailableError when it takes too long."""
    import select

    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([pidfd], [], [], timeout_s)[0]:
            raise UnavailableError(
                f"the daemon (pid {pid}) was asked to stop and still runs after {timeout_s:g} s; "
                f"look at `roost daemon logs`, or end it with `kill -9 {pid}`: sessions stay"
            )
    finally:
        os.close(pidfd)


def _become_daemon(invocation: Invocation) -> NoReturn:
    paths = Paths.for_scope(invocation.scope)
    command = [sys.executable, "-m", "roost.daemon", "--foreground", "--scope", paths.scope]
    if paths.client_socket != paths.daemon_socket:
        command += ["--socket-path", paths.client_socket]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _print_status(status: DaemonStatus) -> None:
    pairs = [
        ("daemon", f"{status.version}, pid {status.pid}, up {show_duration(status.uptime_s)}"),
        ("keeper", f"protocol {status.keeper_version}, pid {status.keeper_pid}"),
        ("sessions", f"{status.running} running, {status.exited} exited"),
        ("clients", f"{status.clients}, {status.attached} attached"),
        ("scope", status.scope),
        ("socket", status.socket),
        ("log", status.log_path),
        ("state", status.state_dir),
    ]
    print_pairs(pairs)
