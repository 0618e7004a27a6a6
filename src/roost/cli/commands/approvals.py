"""`roost approvals`, `roost approve`, `roost deny`: what waits for an answer, and the answer."""

from __future__ import annotations

import time

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_option
from roost.cli.failures import OK, say
from roost.cli.output import print_json
from roost.cli.wording import show_duration
from roost.client.results import ApprovalInfo
from roost.core.shown import age, aligned, printable

_DETAIL_CHARACTERS = 100


@click.command("approvals")
@click.option("--all", "all_", is_flag=True, help="Also the newest that are over.")
@target_option("Only those of a session.")
@json_option
@pass_invocation
def approvals_command(invocation: Invocation, /, *, all_: bool, target: str | None, as_json: bool) -> int:
    """List what waits for approval: `roost approve ID` or `roost deny ID` answers it."""
    with invocation.client() as client:
        found = client.approvals.list(target, all=all_)
    if as_json:
        print_json({"approvals": [one.to_json() for one in found]})
    elif found:
        now = time.time()
        head = ("ID", "STATE", "AGE", "SESSION", "TOOL", "DETAIL")
        print(aligned([head, *(_row(one, now) for one in found)]), end="")
    else:
        say("nothing waits for approval")
    return OK


def _row(one: ApprovalInfo, now: float) -> tuple[str, ...]:
    state = f"{show_duration(max(0.0, one.expires_at - now))} left" if one.state == "pending" else one.state
    detail = " ".join(one.detail.split())
    short = detail if len(detail) <= _DETAIL_CHARACTERS else detail[:_DETAIL_CHARACTERS] + "…"
    session = one.session_name or "-"
    return (one.id, state, age(now - one.asked_at), printable(session), printable(one.tool), printable(short))


def _answer(invocation: Invocation, id: str, decision: str, reason: str, *, as_json: bool) -> int:
    with invocation.client() as client:
        verb = client.approvals.approve if decision == "approve" else client.approvals.deny
        answered = verb(id, reason)
    if as_json:
        print_json(answered)
    else:
        say(printable(f"{answered.id} is {answered.state}: {answered.tool} {' '.join(answered.detail.split())}"))
    return OK


@click.command("approve")
@click.argument("id")
@click.option("--reason", default="", help="Told to whoever asked.")
@json_option
@pass_invocation
def approve_command(invocation: Invocation, /, *, id: str, reason: str, as_json: bool) -> int:
    """Approve what was asked for by ID, or the beginning of an id. An answer counts once."""
    return _answer(invocation, id, "approve", reason, as_json=as_json)


@click.command("deny")
@click.argument("id")
@click.option("--reason", default="", help="Told to whoever asked.")
@json_option
@pass_invocation
def deny_command(invocation: Invocation, /, *, id: str, reason: str, as_json: bool) -> int:
    """Deny what was asked for by ID, or the beginning of an id. An answer counts once."""
    return _answer(invocation, id, "deny", reason, as_json=as_json)
