"""`roost token`: who may ask over the network."""

from __future__ import annotations

import time
from typing import Any

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import OK, say
from roost.cli.output import print_json
from roost.cli.values import DURATION
from roost.cli.wording import show_duration
from roost.core.shown import aligned, printable

_SCOPES = ("read", "type", "admin")


@click.group("token")
def token_command() -> None:
    """Tokens for requests over TCP: make, list, revoke. The Unix socket needs none."""


@token_command.command("create")
@click.option("--scope", type=click.Choice(_SCOPES), default="read", show_default=True, help="What it is good for.")
@click.option("--name", default="", help="What it is for, shown by `roost token list`.")
@click.option("--expires", type=DURATION, metavar="TIME", help="How long it counts (default 90d), 0 for ever.")
@json_option
@pass_invocation
def create_command(invocation: Invocation, /, *, scope: str, name: str, expires: float | None, as_json: bool) -> int:
    """Make a token and print it, once: only its hash is kept.

    read: look at sessions, output and events. type: also input, keys, signals and sizes. admin: everything, also
    starting programs. Give it to programs in a file or the environment (ROOST_TOKEN), not as an argument: those can
    be seen.
    """
    with invocation.client() as client:
        token, text = client.access.create_token(scope, name=name, lasts_s=expires)
    if as_json:
        print_json({"token": token, "text": text})
    else:
        print(text)
        say(f"token {token['id']}, scope {scope}, {_until(token)}; it is not shown again")
    return OK


@token_command.command("list")
@json_option
@pass_invocation
def list_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """List the tokens that count, and the browsers that were let in."""
    with invocation.client() as client:
        tokens = client.access.tokens()
    if as_json:
        print_json({"tokens": tokens})
        return OK
    rows = [(t["id"], t["kind"], t["scope"], _until(t), printable(t["name"])) for t in tokens]
    print(aligned([("ID", "KIND", "SCOPE", "EXPIRES", "NAME"), *rows]), end="")
    return OK


@token_command.command("revoke")
@click.argument("which", metavar="ID|NAME")
@json_option
@pass_invocation
def revoke_command(invocation: Invocation, /, *, which: str, as_json: bool) -> int:
    """End a token, or a browser's leave, at once."""
    with invocation.client() as client:
        token = client.access.revoke_token(which)
    if as_json:
        print_json({"token": token})
    else:
        say(f"{token['kind']} {token['id']} counts no more")
    return OK


def _until(token: dict[str, Any]) -> str:
    if token["expires_at"] is None:
        return "without an end"
    return f"for another {show_duration(token['expires_at'] - time.time())}"
