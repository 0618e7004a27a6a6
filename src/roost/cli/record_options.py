"""The options that say how to record, the same for `roost run --record` and `roost record start`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from roost.core.events import CATEGORIES


def record_options(prefix: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add them; `prefix` ("record-") tells them from the command's own."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(_options(prefix)):
            command = option(command)
        return command

    return add


def _options(prefix: str) -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    return [
        click.option(f"--{prefix}input", "record_input", is_flag=True, help="Record what is typed too, not passwords."),
        click.option(
            f"--{prefix}hold",
            "record_hold",
            is_flag=True,
            help="Let the program wait for the file, instead of leaving something out.",
        ),
        click.option(
            f"--{prefix}events",
            "record_events",
            multiple=True,
            type=click.Choice([*CATEGORIES, "none"]),
            help="Events that become markers (default shell); may be repeated.",
        ),
        click.option(
            "--redact", multiple=True, metavar="REGEX", help="Never write what this matches; may be repeated."
        ),
        click.option("--redact-common", is_flag=True, help="Nor tokens and passwords of well-known forms."),
    ]


def chosen_events(given: tuple[str, ...]) -> list[str]:
    """The categories of markers."""
    return [name for name in given if name != "none"] if given else ["shell"]


def spawn_options(
    file: str | None,
    *,
    record_input: bool,
    record_hold: bool,
    record_events: tuple[str, ...],
    redact: tuple[str, ...],
    redact_common: bool,
) -> dict[str, Any]:
    """The area `record` of a spawn; empty when nothing is to be recorded. Raises UsageError for options without it."""
    if file is None:
        if record_input or record_hold or record_events or redact or redact_common:
            raise click.UsageError("options about a recording need --record FILE")
        return {}
    path = os.path.abspath(file)
    try:
        path.encode()
    except UnicodeEncodeError:
        raise click.UsageError("--record: the file's name is no UTF-8; use `roost record start`") from None
    return {
        "record": {
            "path": path,
            "input": record_input,
            "hold": record_hold,
            "redact": list(redact),
            "redact_common": redact_common,
            "events": chosen_events(record_events),
        }
    }
