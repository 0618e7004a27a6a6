"""`roost env`: what of a session's environment can be refreshed, for a shell to evaluate."""

from __future__ import annotations

import os

import click

from roost.cli.context import Invocation, pass_invocation, target_argument
from roost.cli.failures import say
from roost.core.refreshable import SHELLS, shell_text


@click.command("env")
@target_argument()
@click.option("--shell", type=click.Choice(SHELLS), help="For which shell (default: fish if SHELL is that, else sh).")
@pass_invocation
def env_command(invocation: Invocation, /, *, target: str, shell: str | None) -> int:
    """Print what the last client that attached to TARGET brought: its SSH agent, connection and display.

    In a session's shell: eval "$(roost env)", or in fish: roost env | source. Without TARGET it is about the session
    that this command runs in. What that client did not have is unset.
    """
    with invocation.client() as client:
        values = client.refreshable_env(target or os.environ.get("ROOST_SESSION", ""))
    if not values:
        say("nothing to refresh: no client has told where it sits")
    print(shell_text(values, shell or _own_shell()), end="")
    return 0


def _own_shell() -> str:
    return "fish" if os.path.basename(os.environ.get("SHELL", "")) == "fish" else "sh"
