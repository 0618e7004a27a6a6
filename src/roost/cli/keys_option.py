"""The options that choose the detach keys, the same for every command that attaches."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from roost.cli.detach_keys import DEFAULT_KEYS, parse_detach_keys

F = TypeVar("F", bound=Callable[..., Any])


def keys_options(command: F) -> F:
    """Adds --detach-keys and --no-detach-key."""
    command = click.option("--no-detach-key", is_flag=True, help="Every key goes to the session.")(command)
    return click.option(
        "--detach-keys",
        metavar="KEYS",
        help=f"Keys that detach, or `off` (default {DEFAULT_KEYS}, or ROOST_DETACH_KEYS).",
    )(command)


def chosen_keys(detach_keys: str | None, *, off: bool) -> tuple[bytes, ...]:
    """The keys that detach: what the options say, else ROOST_DETACH_KEYS, else the usual ones."""
    if off:
        return ()
    source = "--detach-keys"
    if detach_keys is None:
        source, detach_keys = "ROOST_DETACH_KEYS", os.environ.get("ROOST_DETACH_KEYS", DEFAULT_KEYS)
    try:
        return parse_detach_keys(detach_keys)
    except ValueError as error:
        raise click.UsageError(f"{source}: {error}") from error
