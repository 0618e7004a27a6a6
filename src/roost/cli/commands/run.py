"""`roost run`: a program in a session of its own, attached unless told otherwise."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from roost.cli.attached import AttachChoice, AttachPlan, attach_and_stay, in_terminal, say_where_it_is
from roost.cli.context import Invocation, json_option, pass_invocation
from roost.cli.failures import INTERRUPTED, say
from roost.cli.keys_option import chosen_keys, keys_options
from roost.cli.output import print_json
from roost.cli.record_options import record_options, spawn_options
from roost.cli.teeing import say_what_tees_missed
from roost.cli.values import BYTES, PAIR
from roost.core.sizing import POLICIES
from roost.errors import InvalidError

if TYPE_CHECKING:
    from roost.client import Client, Session


@dataclass(frozen=True, slots=True)
class Order:
    """What to start, and how, as the command line says it."""

    name: str | None
    ring: int | None
    pipe: bool
    merge_stderr: bool
    cwd: str | None
    env: tuple[tuple[str, str], ...]
    label: tuple[tuple[str, str], ...]
    size_policy: str | None
    term: str | None
    originator: str | None
    tee: tuple[str, ...]
    watch_path: tuple[str, ...]
    exact: bool
    listen: str | None
    shell_integration: bool
    on_event: tuple[str, ...]
    command: tuple[str, ...]
    record: str | None = None
    record_input: bool = False
    record_hold: bool = False
    record_events: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    redact_common: bool = False
    no_ssh_agent: bool = False

    def areas(self) -> dict[str, object]:
        """What the areas around a session are asked for, by area."""
        shell = {"shell": {"integration": True}} if self.shell_integration else {}
        agent = {"ssh_agent": False} if self.no_ssh_agent else {}
        recording = spawn_options(
            self.record,
            record_input=self.record_input,
            record_hold=self.record_hold,
            record_events=self.record_events,
            redact=self.redact,
            redact_common=self.redact_common,
        )
        hooks = {"on_event": list(self.on_event)} if self.on_event else {}
        return {**shell, **agent, **recording, **hooks, **self._observing(), **self._listening()}

    def _observing(self) -> dict[str, object]:
        wanted: dict[str, object] = {"exact": True} if self.exact else {}
        if self.watch_path:
            wanted["watch_paths"] = [os.path.abspath(path) for path in self.watch_path]
        return {"observe": wanted} if wanted else {}

    def _listening(self) -> dict[str, object]:
        return {"listen": {"address": self.listen}} if self.listen else {}

    def argv(self) -> list[bytes]:
        """The command as bytes; the user's shell when none was given."""
        return [os.fsencode(word) for word in self.command] or [os.fsencode(os.environ.get("SHELL") or "/bin/sh")]

    def environment(self) -> dict[bytes, bytes] | None:
        """Our environment with the changes asked for; None for ours as it is."""
        if not self.env:
            return None
        changes = {os.fsencode(key): os.fsencode(value) for key, value in self.env}
        return {**os.environb, **changes}

    def spawn(self, client: Client) -> Session:
        """Starts it, at the size of our terminal if we have one."""
        rows, cols = _own_size()
        return client.spawn(
            self.argv(),
            cwd=os.fsencode(os.path.abspath(self.cwd)) if self.cwd else None,
            env=self.environment(),
            name=self.name,
            rows=rows,
            cols=cols,
            pipe=self.pipe,
            merge_stderr=self.merge_stderr,
            originator=self.originator,
            labels=dict(self.label) or None,
            ring_bytes=self.ring,
            size_policy=self.size_policy,
            term=self.term,
            tees=self.tee,
            options=self.areas() or None,
        )


def _on_event(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if given:
        from roost.core.on_event import read_on_event  # here, since few sessions bring commands along

        try:
            read_on_event(list(given))
        except InvalidError as error:
            raise click.BadParameter(error.message) from error
    return given


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("-d", "--detached", is_flag=True, help="Do not attach; print the session's id.")
@click.option("-n", "--name", help="Its name (default: made from the command).")
@click.option("--ring", type=BYTES, metavar="SIZE", help="How much output is retained (default 1M), for example 64M.")
@click.option("--pipe", is_flag=True, help="Three pipes instead of a terminal.")
@click.option("--merge-stderr", is_flag=True, help="With --pipe: stderr goes into stdout.")
@click.option("--cwd", metavar="DIR", help="Its working directory (default: this one).")
@click.option("--env", type=PAIR, multiple=True, metavar="K=V", help="A variable of its environment; may be repeated.")
@click.option("--label", type=PAIR, multiple=True, metavar="K=V", help="A label, for programs; may be repeated.")
@click.option("--size-policy", type=click.Choice(POLICIES), help="Whose size counts among several clients.")
@click.option("--term", metavar="NAME", help="TERM of the session (default: ours, or xterm-256color).")
@click.option("--originator", metavar="NAME", help="On whose behalf it runs; `ls` and `kill` can select by it.")
@click.option("--tee", multiple=True, metavar="FILE", help="Append a copy of its output to FILE; may be repeated.")
@click.option("--record", metavar="FILE", help="Record it to FILE, an asciicast; `roost replay` plays it.")
@record_options("record-")
@click.option("--no-ssh-agent", is_flag=True, help="SSH_AUTH_SOCK as it is here, not one that follows who attaches.")
@click.option(
    "--watch-path", multiple=True, metavar="PATH", help="File events of PATH too, beside those below its directory."
)
@click.option(
    "--exact", is_flag=True, help="Process events by ptrace: each with its argv; slower, and only if watched."
)
@click.option("--listen", metavar="HOST:PORT", help="Serve this session, and no other, over HTTP there.")
@click.option("--shell-integration", is_flag=True, help="bash, zsh, fish: have it mark its prompts and commands.")
@click.option(
    "--on-event",
    multiple=True,
    callback=_on_event,
    metavar="TYPE=CMD",
    help="Run CMD at such an event of it ('*': any); may be repeated.",
)
@keys_options
@json_option
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_invocation
def run_command(
    invocation: Invocation,
    /,
    *,
    detached: bool,
    detach_keys: str | None,
    no_detach_key: bool,
    as_json: bool,
    **order: object,
) -> int:
    """Start COMMAND in a session and attach to it; without a command, your shell.

    Exits with the program's code, 128 + n when signal n ended it, 0 when you detach. Ctrl-] then d detaches; the
    session goes on. Without a terminal the output is copied to stdout; stdin is passed on with --pipe only.
    """
    keys = chosen_keys(detach_keys, off=no_detach_key)
    chosen = Order(**order)  # type: ignore[arg-type]
    if as_json and not detached:
        raise click.UsageError("--json prints the new session; give -d too")
    if chosen.merge_stderr and not chosen.pipe:
        raise click.UsageError("--merge-stderr is for --pipe: a terminal has one output")
    _check_cwd(chosen.cwd)
    chosen.areas()
    with invocation.client() as client:
        session = chosen.spawn(client)
        _warn_of_logout()
        if chosen.listen:
            _say_address(client, session)
        if detached:
            print_json(session.info()) if as_json else print(session.id)
            say_where_it_is(session.name)
            return 0
        code = _stay(client, session, chosen, keys)
        if chosen.tee:
            say_what_tees_missed(client, session.id)
        return code


def _stay(client: Client, session: Session, order: Order, keys: tuple[bytes, ...]) -> int:
    try:
        if order.pipe:
            return _join_pipes(session, merged=order.merge_stderr)
        plan = AttachPlan(
            session.id, session.name, AttachChoice(restore="raw"), from_offset=0, keys=keys, child_code=True
        )
        return attach_and_stay(client, plan)
    except KeyboardInterrupt:
        say_where_it_is(session.name)
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has enough; unlike in a pipeline of the shell, the program does not end for it
        say_where_it_is(session.name)
        raise


def _join_pipes(session: Session, *, merged: bool) -> int:
    from roost.cli.streaming import run_pipes

    with session.attach(from_offset=0, restore="none") as stdout:
        if merged:
            return run_pipes(stdout, None, read_stdin=True)
        with session.attach(from_offset=0, restore="none", stream="stderr") as stderr:
            return run_pipes(stdout, stderr, read_stdin=True)


def _say_address(client: Client, session: Session) -> None:
    for entry in client.access.addresses():
        if entry["session"] == session.id:
            say(f"served at {entry['url']}")


def _own_size() -> tuple[int, int]:
    for fd in (1, 0, 2):
        try:
            size = os.get_terminal_size(fd)
        except OSError:
            continue
        return size.lines, size.columns
    return 0, 0


def _check_cwd(cwd: str | None) -> None:
    if cwd and not os.path.isdir(cwd):
        problem = "is not a directory" if os.path.exists(cwd) else "does not exist"
        raise InvalidError(f"--cwd {cwd} {problem}; make it, or give another")


def _warn_of_logout() -> None:
    from roost.cli.logout import warn_once

    if in_terminal() or sys.stderr.isatty():
        warn_once(say)
