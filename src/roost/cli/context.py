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

    def client(self, *, autostart: bool = True, timeout_s: float | None = None) -> Client:
        """A client of the daemon of this scope; how long its calls wait, if not as long as usual."""
        options = {} if timeout_s is None else {"timeout_s": timeout_s}
        return self.make_client(scope=self.scope, autostart=autostart, client_name="roost-cli", **options)


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


def some_target(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """The target as it was given. An empty one is a variable that is not set, and must not mean the latest session."""
    from click.core import ParameterSource

    given = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    if given and (value == "" or (isinstance(value, tuple) and "" in value)):
        without = "" if param.required or param.nargs != 1 else ", or leave it out for the latest"
        raise click.BadParameter(f"it is empty; give a session's name or id{without}", ctx=ctx, param=param)
    return value


def target_argument(*, required: bool = False) -> Callable[..., Any]:
    """The session a command is about; none means the latest live one."""
    default = None if required else ""
    return click.argument(
        "target", required=required, default=default, shell_complete=complete_target, callback=some_target
    )


def targets_argument() -> Callable[..., Any]:
    """The sessions a command is about."""
    return click.argument("targets", nargs=-1, shell_complete=complete_target, callback=some_target)


def target_option(about: str = "The session.", *, default: str | None = None) -> Callable[..., Any]:
    """`--to TARGET`."""
    return click.option(
        "--to",
        "target",
        default=default,
        metavar="TARGET",
        shell_complete=complete_target,
        callback=some_target,
        help=about,
    )
