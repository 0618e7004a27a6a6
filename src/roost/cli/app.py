"""The command tree. Each command's module is imported when the command is used, so that none pays for the others."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

import roost
from roost.cli.context import Invocation
from roost.errors import RoostError

#: Command name → (module in roost.cli.commands, one line for the list of commands).
COMMANDS = {
    "run": ("run", "Start a program in a session and attach to it."),
    "ls": ("listing", "List sessions."),
    "attach": ("attach", "Attach to a session."),
    "logs": ("logs", "Show retained output without attaching."),
    "screen": ("screen", "Show what a session's terminal shows."),
    "send": ("send", "Type into a session."),
    "receipts": ("receipts", "List inputs that are queued, and what became of others."),
    "keys": ("keys", "Press keys in a session, by name."),
    "env": ("env", "Print what of a session's environment can be refreshed."),
    "resize": ("control", "Set the size of a session's terminal."),
    "signal": ("control", "Send a signal to a session."),
    "detach": ("control", "Detach every client of a session."),
    "rename": ("control", "Give a session another name."),
    "restart": ("control", "End a session and start its command again."),
    "explain": ("explain", "Say in what state a session is, and why."),
    "exec": ("exec", "Run a command in a session's shell: its output, its exit code."),
    "wait": ("wait", "Wait for a session to end, or for what it does."),
    "kill": ("ending", "End sessions: TERM, grace, KILL."),
    "tee": ("tee", "Copy a session's streams to files."),
    "record": ("record", "Record sessions as asciicasts."),
    "replay": ("replay", "Play a recording in this terminal."),
    "export": ("export", "Make a picture, film or text of a recording or session."),
    "purge": ("ending", "Forget exited sessions and their output."),
    "service": ("services", "Keep programs running: start, stop, restart, logs."),
    "up": ("up", "Start the services of a roost.toml, in order."),
    "down": ("up", "Stop the services of a roost.toml."),
    "ps": ("processes", "List registered processes, or draw a process tree."),
    "ask": ("ask", "Ask for approval, and wait for the answer."),
    "approvals": ("approvals", "List what waits for approval."),
    "approve": ("approvals", "Approve what was asked for."),
    "deny": ("approvals", "Deny what was asked for."),
    "proto": ("proto", "Drive a session by lines of JSON on stdin and stdout."),
    "mcp": ("mcp", "Serve sessions as tools over MCP."),
    "watch": ("watch", "Show events as they happen."),
    "observer": ("observer", "Buffer a session's events for a reader that comes later."),
    "history": ("history", "List sessions that ran, purged ones too."),
    "emit": ("emit", "Tell of an event in the session that you run in."),
    "hooks": ("hooks", "Where events go, and what agents' hooks tell."),
    "config": ("config", "Check and show the configuration."),
    "web": ("web", "Open the page: live sessions in a browser."),
    "serve": ("serve", "Listen for HTTP at an address; show addresses."),
    "token": ("token", "Tokens for HTTP over TCP: create, list, revoke."),
    "daemon": ("daemon", "Start, stop and look at the daemon."),
    "doctor": ("doctor", "Examine the daemon and its surroundings."),
    "completion": ("completion", "Print the completion script for a shell."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use; an unknown name suggests a known one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of a session's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"roost.cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command to run; the error for an unknown one names the closest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "; `roost --help` lists the commands"
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_module, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--scope", metavar="NAME", help="Talk to the daemon of another scope (default: ROOST_SCOPE).")
@click.version_option(roost.__version__, prog_name="roost")
@click.pass_context
def root(ctx: click.Context, scope: str | None) -> None:
    """Sessions that outlive everything but the machine.

    A session is a program with a terminal (or pipes) of its own that goes on when you leave. TARGET is a name, an id,
    an unambiguous part of one, or a pid; without one it is the latest live session.
    """
    if ctx.obj is None:
        ctx.obj = Invocation(scope=scope)


def run_app(args: list[str], **extra: Any) -> int:
    """Runs one command line and returns its exit code; usage errors are told in click's own way."""
    try:
        result = root.main(args=args, prog_name="roost", standalone_mode=False, **extra)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort as abort:
        raise KeyboardInterrupt from abort
    except RoostError:
        raise
    return result if isinstance(result, int) else 0
