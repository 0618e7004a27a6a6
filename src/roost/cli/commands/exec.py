"""`roost exec`: a command in a session's shell, with its output and its exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from roost.cli.context import Invocation, complete_target, pass_invocation, some_target
from roost.cli.failures import ERROR, NOT_RUNNING, TIMED_OUT, child_exit_code, say
from roost.cli.values import DURATION

if TYPE_CHECKING:
    from roost.client.results import Executed

#: What is asked for: as much as the daemon keeps.
_LIMIT_BYTES = 8 << 20
_CODES = {"busy": NOT_RUNNING, "not_a_shell": NOT_RUNNING, "starting": TIMED_OUT, "timeout": TIMED_OUT}


class _AfterDashes(click.Command):
    """A command whose last words stand behind `--`, so that a target before it is told from them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows the first `--` for the command to run."""
        if "--" in args:
            at = args.index("--")
            ctx.meta["roost.command"] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command("exec", cls=_AfterDashes, options_metavar="[OPTIONS] [TARGET] -- COMMAND...")
@click.argument("target", required=False, default="", metavar="", shell_complete=complete_target, callback=some_target)
@click.option("--timeout", type=DURATION, metavar="TIME", help="Give up after that time, with exit code 11.")
@click.option("--raw", is_flag=True, help="The output byte for byte, as the terminal got it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, the output in it as text.")
@click.pass_context
@pass_invocation
def exec_command(
    invocation: Invocation, ctx: click.Context, /, *, target: str, timeout: float | None, raw: bool, as_json: bool
) -> int:
    """Run COMMAND in the shell of a session, print its output and exit with its code.

    One word is a command line ("make && make test"); several are quoted. Where the exit code cannot be known (the shell
    marks no commands, something else is in front, it is busy), that is said, and the code is 1; 4 when nothing was
    typed, 11 when the time is over. See `roost run --shell-integration`.
    """
    words: tuple[str, ...] = ctx.meta.get("roost.command", ())
    if not words:
        raise click.UsageError("give the command behind --, for example: roost exec work -- make test")
    command = words[0] if len(words) == 1 else words
    with invocation.client() as client:
        done = client.exec(target, command, timeout_s=timeout, limit_bytes=_LIMIT_BYTES)
    if as_json:
        _print_json(done)
    else:
        _print_output(done, raw=raw)
        if done.reason:
            say(f"{done.name}: the exit code is not known ({done.reason}): {done.explanation}")
    if done.exit_code is not None:
        return child_exit_code(done.exit_code, None)
    return _CODES.get(done.reason, ERROR)


def _print_output(done: Executed, *, raw: bool) -> None:
    from roost.cli.copying import write_all
    from roost.cli.output import colour_wanted
    from roost.cli.sanitise import RESET_COLOUR, Sanitiser

    output = done.output
    if done.omitted_bytes:
        head = done.head_bytes or 0
        output = output[:head] + f"\n[{done.omitted_bytes} bytes left out]\n".encode() + output[head:]
    if not raw:
        sanitiser = Sanitiser(colour=colour_wanted())
        output = sanitiser.feed(output).replace(b"\r\n", b"\n").lstrip(b"\r") + (
            RESET_COLOUR if sanitiser.coloured else b""
        )
    sys.stdout.flush()
    write_all(1, output)


def _print_json(done: Executed) -> None:
    from roost.cli.output import print_json

    shown = {name: value for name, value in done.to_json().items() if name != "output"}
    print_json({**shown, "output": done.text})
