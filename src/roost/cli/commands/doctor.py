"""`roost doctor`: what may be wrong, and what to do about it."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import ERROR, OK
from roost.cli.hung import ANSWERS_WITHIN_S, hung_error
from roost.cli.local_checks import keeper_check, local_checks
from roost.cli.output import colour_wanted, print_json
from roost.errors import RoostError, WaitTimeoutError
from roost.model.settings import Check, DaemonStatus
from roost.version import __version__


@click.command("doctor")
@json_option
@pass_invocation
def doctor_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """Examine the directories, the daemon, the keeper and the system's limits. Exits with 1 when something is wrong."""
    checks = local_checks(invocation.scope)
    known = {check.name for check in checks}
    checks += [check for check in _daemon_checks(invocation) if check.name not in known]
    if as_json:
        print_json({"checks": [check.to_json() for check in checks]})
    else:
        for check in checks:
            print(_line(check))
    return OK if all(check.ok for check in checks) else ERROR


def _daemon_checks(invocation: Invocation) -> list[Check]:
    try:
        with invocation.client(autostart=False, timeout_s=ANSWERS_WITHIN_S) as client:
            return [version_check(client.status()), *client.doctor()]
    except RoostError as failure:
        error = hung_error(invocation.scope) if isinstance(failure, WaitTimeoutError) else failure
        problem, _, advice = error.message.partition("; ")
        return [Check(name="daemon", ok=False, detail=problem, advice=advice), keeper_check(invocation.scope)]


def version_check(status: DaemonStatus) -> Check:
    """Whether the daemon is of the roost that asks; an upgrade leaves the old one running."""
    if status.version == __version__:
        return Check(name="daemon", ok=True, detail=f"pid {status.pid}, roost {status.version}")
    detail = f"pid {status.pid} is of roost {status.version}, this command of {__version__}"
    return Check(name="daemon", ok=False, detail=detail, advice="roost daemon restart")


def _line(check: Check) -> str:
    mark = "ok" if check.ok else "!!"
    if colour_wanted():
        mark = f"\x1b[{32 if check.ok else 31}m{mark}\x1b[0m"
    advice = f"\n    {check.advice}" if check.advice and not check.ok else ""
    return f"{mark}  {check.name}: {check.detail}{advice}"
