"""What every command is given: which daemon it is about, and how to reach it.

Owns the root options. Tests hand in another `make_client`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from roost.client import Client


def _make_client(**options: Any) -> Client:
    from roost.client import Client

    return Client(**options)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of the command line: the scope it was given, None for that of the environment."""

    scope: str | None = None
    make_client: Callable[..., Client] = _make_client

    def client(self, *, autostart: bool = True) -> Client:
        """A client of the daemon of this scope."""
        return self.make_client(scope=self.scope, autostart=autostart, client_name="roost-cli")


pass_invocation = click.make_pass_decorator(Invocation)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def complete_target(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of sessions for the shell's completion; nothing when no daemon runs."""
    from roost.errors import RoostError

    try:
        with _make_client(autostart=False, timeout_s=1.0) as client:
            return [info.name for info in client.list(all=True) if info.name.startswith(incomplete)]
    except RoostError:
        return []


def target_argument(*, required: bool = False) -> Callable[..., Any]:
    """The session a command is about; none means the latest live one."""
    return click.argument("target", required=required, default=None if required else "", shell_complete=complete_target)
