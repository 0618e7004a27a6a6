"""Commands about the end of sessions: kill, purge."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation, targets_argument
from roost.cli.failures import ERROR, NOT_FOUND, OK, say
from roost.cli.output import print_json
from roost.cli.values import DURATION
from roost.cli.wording import count
from roost.model.sessions import TerminateResult


@click.command("kill")
@targets_argument()
@click.option("--grace", type=DURATION, default=2.0, metavar="TIME", help="Between TERM and KILL (default 2s).")
@click.option("--older-than", type=DURATION, metavar="TIME", help="Live sessions started before that, for example 1d.")
@click.option("--originator", metavar="NAME", help="Live sessions that run on behalf of NAME.")
@json_option
@pass_invocation
def kill_command(
    invocation: Invocation,
    /,
    *,
    targets: tuple[str, ...],
    grace: float,
    older_than: float | None,
    originator: str | None,
    as_json: bool,
) -> int:
    """End TARGETS: TERM to everything they started, and KILL to what is left after the grace. Says which it took."""
    if not targets and older_than is None and originator is None:
        raise click.UsageError("name the sessions to end, or choose them with --older-than or --originator")
    _check_choice(targets, older_than, originator)
    with invocation.client() as client:
        results = client.terminate(*targets, grace_s=grace, older_than_s=older_than, originator=originator)
    if as_json:
        print_json(results)
    else:
        for result in results:
            (say if result.error else print)(describe_result(result))
    if not results:
        say("no live session matches")
        return NOT_FOUND if targets else OK
    return kill_exit_code(results)


def _check_choice(targets: tuple[str, ...], older_than: float | None, originator: str | None) -> None:
    if targets and (older_than is not None or originator is not None):
        raise click.UsageError("name sessions, or choose them with --older-than or --originator, not both")


def kill_exit_code(results: list[TerminateResult]) -> int:
    """1 when something could not be ended, else 3 when a target answers to no session, else 0."""
    if any(result.survivors or (result.error and result.session_id) for result in results):
        return ERROR
    return NOT_FOUND if any(result.error for result in results) else OK


def describe_result(result: TerminateResult) -> str:
    """One line: what it took to end a session, and who outlived it."""
    name = result.name or result.session_id
    if result.error:
        return f"{name}: {result.error}" if name else result.error
    if result.survivors:
        pairs = zip(result.survivors, result.survivor_names or [""] * len(result.survivors), strict=False)
        left = ", ".join(f"{pid} {command}".strip() for pid, command in pairs)
        return f"{name}: still there after KILL: {left}"
    return f"{name}: {_OUTCOMES.get(result.outcome or '', 'ending')}{_how(result)}"


_OUTCOMES = {
    "soft": "ended by TERM",
    "hard": "ended by KILL",
    "natural": "had ended by itself",
    "unknown": "ended, it is not known how",
}


def _how(result: TerminateResult) -> str:
    if result.code is not None and result.code >= 0 and not result.signal:
        return f", exit code {result.code}"
    return ""


@click.command("purge")
@targets_argument()
@click.option("--older-than", type=DURATION, metavar="TIME", help="Those that were started before that.")
@click.option("--originator", metavar="NAME", help="Those that ran on behalf of NAME.")
@json_option
@pass_invocation
def purge_command(
    invocation: Invocation,
    /,
    *,
    targets: tuple[str, ...],
    older_than: float | None,
    originator: str | None,
    as_json: bool,
) -> int:
    """Forget exited sessions and their output: all of them, or those chosen. Running ones are never touched."""
    _check_choice(targets, older_than, originator)
    with invocation.client() as client:
        purged = client.purge(*targets, originator=originator, older_than_s=older_than)
    if as_json:
        print_json({"purged": purged})
    else:
        say(f"{count(len(purged), 'session')} forgotten")
    return 0
