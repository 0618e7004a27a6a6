"""`roost ask`: a program's question to whoever watches, and their answer as an exit code."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_option
from roost.cli.failures import ERROR, OK, TIMED_OUT, exit_code, say
from roost.cli.output import print_json
from roost.cli.values import DURATION
from roost.core.approval_hooks import TOOLS, answer_for_hook, hook_name, question_of_hook
from roost.core.shown import printable
from roost.errors import RoostError

if TYPE_CHECKING:
    from roost.client.results import ApprovalInfo

#: Below what Claude Code gives a hook, so that it is told to ask its user rather than that a hook was too slow.
_HOOK_TIMEOUT_S = 55.0
_TIMEOUT_S = 60.0


@click.command("ask")
@click.option("--tool", help="What is to be approved: the name of a tool or command.")
@click.option("--detail", metavar="TEXT|-", help="What it would do; - reads it from stdin.")
@target_option("The session it is about.")
@click.option("--timeout", type=DURATION, metavar="TIME", help="How long to wait for an answer (default 60s).")
@click.option("--id", "id", default="", help="Whoever asks again by the same id gets the same answer.")
@click.option("--from", "agent", type=click.Choice(TOOLS), help="Be that tool's permission hook, on stdin and stdout.")
@json_option
@pass_invocation
def ask_command(
    invocation: Invocation,
    /,
    *,
    tool: str | None,
    detail: str | None,
    target: str | None,
    timeout: float | None,
    id: str,
    agent: str | None,
    as_json: bool,
) -> int:
    """Ask for approval of what TOOL is to do, and wait until somebody answers (`roost approvals`, `roost approve`).

    Exits with 0 when it was approved, 1 when it was denied, and 11 when nobody answered in time or nobody could be
    asked: ask in another way then. The request is about the session that this command runs in, or that of --to. It
    outlives the daemon.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it is taken back, whatever ends this
    if agent:
        if tool or detail or id or as_json:
            raise click.UsageError("--from takes everything from stdin; only --to and --timeout go with it")
        return _as_hook(invocation, agent, target, _HOOK_TIMEOUT_S if timeout is None else timeout)
    if not tool:
        raise click.UsageError("say with --tool what is to be approved")
    told = sys.stdin.read() if detail == "-" else detail or ""
    try:
        answer = _ask(invocation, tool, told, target, _TIMEOUT_S if timeout is None else timeout, id)
    except RoostError as error:
        say(error.message)
        code = exit_code(error)
        return TIMED_OUT if code == ERROR else code  # 1 is an answer here
    if as_json:
        print_json(answer)
    else:
        say(_shown(answer))
    return {"approve": OK, "deny": ERROR}.get(answer.decision or "", TIMED_OUT)


def _ask(invocation: Invocation, tool: str, detail: str, target: str | None, timeout_s: float, id: str) -> ApprovalInfo:
    from roost.client.approval_calls import new_id

    id = id or new_id()
    with invocation.client() as client:
        try:
            return client.approvals.ask(tool, detail, target=target, timeout_s=timeout_s, id=id)
        except KeyboardInterrupt:
            client.close()
            client.timeout_s = 2.0
            client.approvals.withdraw(id)
            raise


def _as_hook(invocation: Invocation, agent: str, target: str | None, timeout_s: float) -> int:
    """Answer the agent; it asks its user itself if anything at all goes wrong."""
    hook, decision, reason = hook_name(None, agent), None, ""
    try:
        told = json.loads(sys.stdin.read())
        hook = hook_name(told, agent)
        asked = question_of_hook(told, agent)
        answer = _ask(invocation, asked.tool, asked.detail, target, timeout_s, "")
        decision, reason = answer.decision, _hook_reason(answer)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the edge: the answer is "ask", whatever it was
        reason = f"roost could not ask for approval: {error or type(error).__name__}"
        say(reason)
    print(json.dumps(answer_for_hook(hook, decision, reason)))
    return OK


def _hook_reason(answer: ApprovalInfo) -> str:
    by = f"{answer.state} through roost"
    return f"{by}: {answer.reason}" if answer.reason else by


def _shown(answer: ApprovalInfo) -> str:
    reason = f": {answer.reason}" if answer.reason else ""
    return printable(f"{answer.tool} {answer.state}{reason}")
