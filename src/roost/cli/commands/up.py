"""`roost up` and `roost down`: the services of a `roost.toml`, in the order of their dependencies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import OK
from roost.cli.output import print_json
from roost.cli.values import DURATION
from roost.core.roost_toml import Planned, choose, read_plan
from roost.core.shown import printable
from roost.errors import InvalidError, NoRunError

if TYPE_CHECKING:
    from roost.client import Client

_WORDS = {
    "started": "started",
    "restarted": "changed, restarted",
    "unchanged": "up to date",
    "done": "has done its work",
}

file_option = click.option("-f", "--file", default="roost.toml", show_default=True, type=click.Path(dir_okay=False))


class Progress:
    """What is done, told as it happens: lines, or one JSON document at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._steps: list[dict[str, object]] = []

    def waits(self, name: str, condition: str) -> None:
        """Say whom everything waits for now."""
        if not self._as_json:
            print(f"{printable(name)}: waiting until it {_BECOMES[condition]}", flush=True)

    def did(self, name: str, change: str, pid: int = 0) -> None:
        """Say what became of a service."""
        self._steps.append({"service": name, "change": change, "pid": pid})
        if not self._as_json:
            words = _WORDS.get(change, change)
            print(f"{printable(name)}: {words} (pid {pid})" if pid else f"{printable(name)}: {words}", flush=True)

    def end(self) -> None:
        """Say that this was all."""
        if self._as_json:
            print_json(self._steps)


_BECOMES = {"started": "runs", "healthy": "is healthy", "exited": "has done its work"}


def _plan(file: str, names: tuple[str, ...]) -> list[Planned]:
    try:
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidError(f"{file} cannot be read: {reason}; give another with --file") from error
    return choose(read_plan(text, file, os.path.dirname(os.path.abspath(file))), names)


@click.command("up")
@file_option
@click.option("--timeout", type=DURATION, default=120.0, metavar="TIME", help="For each condition (default 2m).")
@click.option("--wait", is_flag=True, help="Return only when all that have a health check are healthy.")
@click.argument("names", nargs=-1)
@json_option
@pass_invocation
def up_command(
    invocation: Invocation, /, *, file: str, timeout: float, wait: bool, names: tuple[str, ...], as_json: bool
) -> int:
    """Make the services of FILE run: all, or NAMES with what they depend on.

    What runs as the file says is left alone, what was defined otherwise is restarted. A service starts when the
    conditions of its dependencies are met; one that cannot be met any more ends the command.
    """
    plan = _plan(file, names)
    progress = Progress(as_json=as_json)
    with invocation.client() as client:
        for planned in plan:
            _bring_up(client, planned, timeout, progress)
        if wait:
            for planned in plan:
                if planned.definition.health is not None:
                    _await(client, planned.name, "healthy", timeout, progress)
    progress.end()
    return OK


def _bring_up(client: Client, planned: Planned, timeout_s: float, progress: Progress) -> None:
    for dependency in planned.depends_on:
        _await(client, dependency.service, dependency.condition, timeout_s, progress)
    service, change = client.services.apply(planned.definition)
    progress.did(planned.name, change, service.pid)


def _await(client: Client, name: str, condition: str, timeout_s: float, progress: Progress) -> None:
    if not _is_met(client, name, condition):
        progress.waits(name, condition)
    client.services.wait(name, condition, timeout_s)


def _is_met(client: Client, name: str, condition: str) -> bool:
    service = client.services.describe(name)
    if condition == "healthy":
        return service.health == "healthy"
    return service.state == ("exited" if condition == "exited" else "online")


@click.command("down")
@file_option
@click.option("--delete", is_flag=True, help="Forget them too.")
@click.argument("names", nargs=-1)
@json_option
@pass_invocation
def down_command(invocation: Invocation, /, *, file: str, delete: bool, names: tuple[str, ...], as_json: bool) -> int:
    """Stop the services of FILE, or only NAMES, in the reverse order; what is not there counts as stopped."""
    chosen = [planned for planned in _plan(file, names) if not names or planned.name in names]
    progress = Progress(as_json=as_json)
    with invocation.client() as client:
        for planned in reversed(chosen):
            try:
                client.services.delete(planned.name) if delete else client.services.stop(planned.name)
            except NoRunError:
                progress.did(planned.name, "not there")
            else:
                progress.did(planned.name, "deleted" if delete else "stopped")
    progress.end()
    return OK
