"""The options that choose the detach keys, the same for every command that attaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from roost.cli.detach_keys import DEFAULT_KEYS, parse_detach_keys, usual_keys

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
    """The keys that detach; a usage error when they cannot be read."""
    if off:
        return ()
    try:
        return parse_detach_keys(detach_keys) if detach_keys is not None else usual_keys()
    except ValueError as error:
        source = "ROOST_DETACH_KEYS" if detach_keys is None else "--detach-keys"
        raise click.UsageError(f"{source}: {error}") from error
