"""`roost service`: programs that are kept running."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import ERROR, OK, say
from roost.cli.output import command_line, print_json, print_pairs
from roost.cli.sanitise import Sanitiser
from roost.cli.values import BYTES, DURATION, PAIR
from roost.core.service import ALL, Definition
from roost.core.shown import age, aligned, printable
from roost.core.supervision import ALWAYS, RESTARTS
from roost.errors import RoostError
from roost.model.running import ServiceInfo

if TYPE_CHECKING:
    from roost.client.services import Services

_COLUMNS = ("ID", "NAME", "STATE", "PID", "UPTIME", "RESTARTS", "HEALTH", "COMMAND")


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    try:
        with Invocation().client(autostart=False) as client:
            return [one.name for one in client.services.list() if one.name.startswith(incomplete)]
    except RoostError:
        return []


target_argument = click.argument("target", shell_complete=_complete)
targets_argument = click.argument("targets", nargs=-1, required=True, shell_complete=_complete)


@click.group("service")
def service_command() -> None:
    """Programs that are kept running: sessions with a restart policy and log files.

    TARGET is the name or id of a service, or `all`. Several at once: `roost up`.
    """


@service_command.command("start", context_settings={"allow_interspersed_args": False})
@click.option("--name", help="Define a service of that name (or change it): the words are its command.")
@click.option("--cwd", type=click.Path(file_okay=False), help="Its directory (default: this one).")
@click.option("--env", type=PAIR, multiple=True, metavar="K=V", help="Laid over the daemon's environment.")
@click.option("--restart", type=click.Choice(RESTARTS), default=ALWAYS, show_default=True, help="After an exit.")
@click.option(
    "--max-restarts",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="In a row, then it is errored (0: never).",
)
@click.option("--restart-delay", type=DURATION, default=0, metavar="TIME", help="Doubled each time (default 500ms).")
@click.option("--kill-timeout", type=DURATION, default=0, metavar="TIME", help="Between TERM and KILL (default 3s).")
@click.option("--min-uptime", type=DURATION, default=0, metavar="TIME", help="Forgets crashes (default 2s).")
@click.option("--log-size", type=BYTES, default=0, metavar="SIZE", help="Rotates the logs (default 10M).")
@click.option(
    "--log-keep", metavar="N", type=click.IntRange(min=1), default=None, help="Old log files kept (default 3)."
)
@click.argument("words", nargs=-1, required=True, shell_complete=_complete)
@json_option
@pass_invocation
def start_command(
    invocation: Invocation, /, *, name: str | None, words: tuple[str, ...], as_json: bool, **options: Any
) -> int:
    """Start services: `start TARGET…` those that are defined, `start --name NAME -- COMMAND…` a new one.

    A NAME that is defined already gets the new definition. One that is online is refused; use restart.
    """
    if name is None and (options_behind := [word for word in words if word.startswith("-")]):
        raise click.UsageError(f"options come before the targets: {' '.join(options_behind)}")
    with invocation.client() as client:
        if name is None:
            services = [one for word in words for one in client.services.start(word)]
        else:
            services = client.services.start(_definition(name, words, **options))
    return _report(services, "started", as_json=as_json)


def _definition(
    name: str, command: tuple[str, ...], *, cwd: str | None, env: tuple[tuple[str, str], ...], **options: Any
) -> Definition:
    return Definition(
        name=name,
        cmd=command,
        cwd=os.path.abspath(cwd or "."),
        env=dict(env),
        restart=options["restart"],
        max_restarts=options["max_restarts"],
        restart_delay_ms=round(options["restart_delay"] * 1000),
        kill_timeout_ms=round(options["kill_timeout"] * 1000),
        min_uptime_ms=round(options["min_uptime"] * 1000),
        log_bytes=options["log_size"],
        log_keep=options["log_keep"] or 0,
    )


def _each(
    invocation: Invocation, targets: tuple[str, ...], verb: Callable[[Services, str], list[ServiceInfo]]
) -> list[ServiceInfo]:
    with invocation.client() as client:
        return [one for target in targets for one in verb(client.services, target)]


def _report(services: list[ServiceInfo], done: str, *, as_json: bool) -> int:
    if as_json:
        print_json(services)
        return OK
    for one in services:
        say(f"service {printable(one.name)} {done}" + (f" (pid {one.pid})" if one.pid else ""))
    if not services:
        say("there are no services")
    return OK


@service_command.command("stop")
@targets_argument
@json_option
@pass_invocation
def stop_command(invocation: Invocation, /, *, targets: tuple[str, ...], as_json: bool) -> int:
    """Stop services: TERM to all that belongs to them, KILL after the kill timeout. Returns when they are gone."""
    return _report(_each(invocation, targets, lambda services, t: services.stop(t)), "stopped", as_json=as_json)


@service_command.command("restart")
@targets_argument
@json_option
@pass_invocation
def restart_command(invocation: Invocation, /, *, targets: tuple[str, ...], as_json: bool) -> int:
    """Stop services that run, and start them all."""
    return _report(_each(invocation, targets, lambda services, t: services.restart(t)), "restarted", as_json=as_json)


@service_command.command("delete")
@targets_argument
@json_option
@pass_invocation
def delete_command(invocation: Invocation, /, *, targets: tuple[str, ...], as_json: bool) -> int:
    """Stop services and forget them. Their log files stay."""
    return _report(_each(invocation, targets, lambda services, t: services.delete(t)), "deleted", as_json=as_json)


@service_command.command("ls")
@json_option
@pass_invocation
def ls_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """List services. STATE is online, waiting (to be started again), stopped, exited, errored, or on its way."""
    with invocation.client() as client:
        services = client.services.list()
    if as_json:
        print_json(services)
    else:
        now = time.time()
        print(aligned([_COLUMNS, *(_row(one, now) for one in services)]), end="")
    return OK


def _row(one: ServiceInfo, now: float) -> tuple[str, ...]:
    return (
        str(one.id),
        printable(one.name),
        f"exited {'?' if one.exit_code is None else one.exit_code}" if one.state == "exited" else one.state,
        str(one.pid) if one.pid else "-",
        age(now - one.started_at) if one.pid and one.started_at else "-",
        str(one.restarts),
        one.health or "-",
        printable(command_line(one.definition["cmd"]))[:200],
    )


@service_command.command("describe")
@target_argument
@json_option
@pass_invocation
def describe_command(invocation: Invocation, /, *, target: str, as_json: bool) -> int:
    """Show all that is known of a service."""
    with invocation.client() as client:
        one = client.services.describe(target)
    if as_json:
        print_json(one)
        return OK
    shown = {**one.to_json(), **one.definition}
    del shown["definition"]
    shown["cmd"] = command_line(one.definition["cmd"])
    for key in ("started_at", "exited_at", "restart_at"):
        shown[key] = time.strftime("%F %T", time.localtime(shown[key])) if shown[key] else None
    print_pairs((key, printable(str(value))) for key, value in shown.items() if value not in (None, "", {}, []))
    return OK


@service_command.command("logs")
@target_argument
@click.option(
    "--lines", "-n", metavar="N", type=click.IntRange(min=1), default=100, show_default=True, help="Of each stream."
)
@json_option
@pass_invocation
def logs_command(invocation: Invocation, /, *, target: str, lines: int, as_json: bool) -> int:
    """Show the last lines of a service's logs, also of earlier runs. To follow: `roost logs --follow NAME`."""
    with invocation.client() as client:
        text = client.services.logs(target, lines=lines)
    if as_json:
        print_json({"target": target, "text": text})
    else:
        print("".join(map(_harmless, text.splitlines(keepends=True))) if sys.stdout.isatty() else text, end="")
    return OK


def _harmless(line: str) -> str:
    """A line without what would change the reader's terminal; a sequence that is cut off takes no other line along."""
    return Sanitiser(colour=False).feed(line.encode()).decode("utf-8", "replace").removesuffix("\n") + "\n"


@service_command.command("flush")
@click.argument("targets", nargs=-1, shell_complete=_complete)
@json_option
@pass_invocation
def flush_command(invocation: Invocation, /, *, targets: tuple[str, ...], as_json: bool) -> int:
    """Empty the log files of services; of all without TARGETS."""
    flushed = _each(invocation, targets or (ALL,), lambda services, t: services.flush(t))
    return _report(flushed, "flushed", as_json=as_json)


@service_command.command("save")
@json_option
@pass_invocation
def save_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Write all definitions, and which services run, to a snapshot; prints its path."""
    with invocation.client() as client:
        path, count = client.services.save()
    print_json({"path": path, "count": count}) if as_json else print(path)
    return OK


@service_command.command("resurrect")
@json_option
@pass_invocation
def resurrect_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Restore the services of the snapshot and start those that ran then. Others, and what runs, stay as they are."""
    with invocation.client() as client:
        count, failures = client.services.resurrect()
    if as_json:
        print_json({"count": count, "failures": failures})
    else:
        say(f"{count} services restored")
        for failure in failures:
            say(f"not started: {failure}")
    return ERROR if failures else OK
