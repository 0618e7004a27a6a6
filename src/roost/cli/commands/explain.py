"""`roost explain`: in what state a session is, and why roost says so."""

from __future__ import annotations

from typing import Any

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_argument
from roost.cli.failures import OK
from roost.cli.output import print_json
from roost.core.shown import age, printable


@click.command("explain")
@target_argument()
@json_option
@pass_invocation
def explain_command(invocation: Invocation, /, *, target: str, as_json: bool) -> int:
    """Say in what state TARGET is, and why: what its agent, shell and screen tell, and which rules were tried."""
    with invocation.client() as client:
        told = client.explain(target)
    if as_json:
        print_json(told)
    else:
        for line in _lines(told):
            print(printable(line))
    return OK


def _lines(told: dict[str, Any]) -> list[str]:
    source = f" by {told['source']}, confidence {told['confidence']:g}" if told["source"] else ""
    lines = [f"{told['name']}: {_shown(told)} for {age(told['age_s'])}{source}", f"  {told['why']}"]
    for one in told["sources"]:
        said = one["told"]
        lines.append(f"  {one['source']:<8} {_shown(said) + ', ' + said['why'] if said else 'tells nothing'}")
    if told["agent"]:
        lines.append(f"  agent    {told['agent']}")
    lines += [f"  {'*' if rule['matched'] else ' '} {_shown(rule)}  {rule['rule']}" for rule in told["rules"]]
    if told["screen_problem"]:
        lines.append(f"  its screen could not be looked at: {told['screen_problem']}")
    return [*lines, *(f"  {problem}" for problem in told["file_problems"])]


def _shown(told: dict[str, Any]) -> str:
    return f"{told['state']}:{told['detail']}" if told.get("detail") else str(told["state"])
