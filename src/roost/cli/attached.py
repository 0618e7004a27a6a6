"""Attaching, in a terminal or without one: opens the attachment, hands it to who moves the bytes, says how it ended.

Owns the order of things around an attachment: the terminal is put back before anything is said.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roost.cli.detach_keys import DetachKeys
from roost.cli.failures import INTERRUPTED, say
from roost.cli.farewell import attach_exit_code, farewell
from roost.cli.relay import Cause, Ending, Relay
from roost.cli.terminal import EndedBySignal, Signals, Terminal
from roost.errors import InvalidError

if TYPE_CHECKING:
    from roost.client import Attachment, Client

#: A full-screen program repaints when its size changes; the change back must outlast the daemon's debounce.
_REPAINT_AFTER_S = 0.3


@dataclass(frozen=True, slots=True)
class AttachChoice:
    """How the command line says to attach. mode: "exclusive", "share" or "view"; tail: lines to begin with."""

    mode: str = "exclusive"
    steal: bool = False
    lossless: bool = False
    tail: int | None = None
    restore: str = "screen"
    stream: str | None = None  # None: both streams of a pipe session


@dataclass(frozen=True, slots=True)
class AttachPlan:
    """What to attach to, and how; `child_code` ends the command with the child's code, as `run` does."""

    session_id: str
    name: str
    choice: AttachChoice = AttachChoice()
    from_offset: int | None = None
    keys: tuple[bytes, ...] = ()
    child_code: bool = False


def refuse_own_session(session_id: str, name: str) -> None:
    """Refuses to attach a session to itself: its output would be its own input, without end."""
    if session_id and session_id == os.environ.get("ROOST_SESSION"):
        raise InvalidError(
            f"{name or session_id} is the session that this command runs in; a session cannot be attached to itself. "
            "Detach first, or name another session (`roost ls`)"
        )


def in_terminal() -> bool:
    """Whether a person sits here: both stdin and stdout are terminals."""
    return os.isatty(0) and os.isatty(1)


def terminal_label(environ: Mapping[str, str] = os.environ) -> str:
    """How others see this client: `ada on pts/3`, with where it came from over ssh."""
    try:
        tty = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        tty = f"pid {os.getpid()}"
    user = environ.get("USER") or environ.get("LOGNAME") or _user_name()
    origin = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return f"{user} on {tty}" + (f" from {origin}" if origin else "")


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def attach_target(client: Client, target: str, choice: AttachChoice, keys: tuple[bytes, ...]) -> int:
    """What `roost attach` does; returns its exit code."""
    info = client.get(target)
    refuse_own_session(info.id, info.name)
    from_offset = None
    if choice.tail is not None:
        from roost.cli.tail import tail_offset

        from_offset = tail_offset(client, info.id, choice.tail, stream=choice.stream or "stdout")
    plan = AttachPlan(info.id, info.name, choice, from_offset=from_offset, keys=keys)
    try:
        if info.kind == "pipe" and choice.stream is None:
            return _attach_pipes(client, plan)
        return attach_and_stay(client, plan)
    except KeyboardInterrupt:
        return INTERRUPTED


def _attach_pipes(client: Client, plan: AttachPlan) -> int:
    """Joins a pipe session: its stdout to ours, its stderr to ours, and our stdin (unless we only view) to its own.

    The end of our stdin leaves the child's open: whoever attaches next may go on.
    """
    import contextlib

    from roost.cli.streaming import run_pipes

    with contextlib.ExitStack() as attachments:
        stdout = attachments.enter_context(_attach_stream(client, plan, "stdout", plan.from_offset))
        try:
            stderr = attachments.enter_context(_attach_stream(client, plan, "stderr", None))
        except InvalidError:
            stderr = None  # merged into stdout when it was started
        reads = plan.choice.mode != "view"
        return run_pipes(stdout, stderr, read_stdin=reads, close_stdin=False, child_code=plan.child_code)


def _attach_stream(client: Client, plan: AttachPlan, stream: str, from_offset: int | None) -> Attachment:
    return client.attach(
        plan.session_id,
        mode=plan.choice.mode,
        steal=plan.choice.steal,
        lossless=plan.choice.lossless,
        from_offset=from_offset,
        label=terminal_label(),
        restore="none",
        stream=stream,
    )


def attach_and_stay(client: Client, plan: AttachPlan) -> int:
    """Attaches until detach or exit; returns the exit code of the command."""
    if in_terminal():
        return _attach_terminal(client, plan)
    from roost.cli.streaming import stream_output

    _warn_of_stdin()
    attachment = _attach_stream(client, plan, plan.choice.stream or "stdout", plan.from_offset)
    with attachment:
        return stream_output(attachment, child_code=plan.child_code)


def _warn_of_stdin() -> None:
    """Tell a person that what they send us on stdin goes nowhere, instead of dropping it silently."""
    try:
        kind = os.fstat(0).st_mode
    except OSError:
        return
    if os.isatty(1) and os.isatty(2) and (stat.S_ISFIFO(kind) or stat.S_ISREG(kind)):
        say("stdin is not read here: a filter is `roost run --pipe`, and `roost send -` types it into a session")


def _attach_terminal(client: Client, plan: AttachPlan) -> int:
    keys = DetachKeys(plan.keys)
    repaint = False
    while True:
        try:
            ending, offset, alternate = _one_stay(client, plan, keys, repaint=repaint)
        except EndedBySignal as ended:  # while the terminal was taken, or given back
            return 128 + ended.number
        if ending.cause is not Cause.SUSPENDED:
            return attach_exit_code(ending, child=plan.child_code)
        os.kill(os.getpid(), signal.SIGSTOP)
        repaint = alternate
        plan = replace(plan, from_offset=offset, choice=replace(plan.choice, steal=False))


def _attach_here(client: Client, plan: AttachPlan, size: tuple[int, int], *, repaint: bool) -> Attachment:
    """Attaches as a terminal of that size; one row less for a `repaint`, which is put right afterwards."""
    rows, cols = size
    return client.attach(
        plan.session_id,
        mode=plan.choice.mode,
        steal=plan.choice.steal,
        lossless=plan.choice.lossless,
        from_offset=plan.from_offset,
        rows=max(1, rows - 1) if repaint else rows,
        cols=cols,
        tty=plan.choice.mode != "view",
        term=os.environ.get("TERM"),
        label=terminal_label(),
        restore=plan.choice.restore,
        env=None if plan.choice.mode == "view" else os.environb,
        stream=plan.choice.stream or "stdout",
    )


def _one_stay(client: Client, plan: AttachPlan, keys: DetachKeys, *, repaint: bool) -> tuple[Ending, int, bool]:
    """One stay in a session, until it is left or suspended: how it ended, the offset reached, the screen left behind
    (alternate or not)."""
    terminal = Terminal()
    attachment = _attach_here(client, plan, terminal.size(), repaint=repaint)
    if plan.choice.restore == "screen" and plan.from_offset is None and attachment.restored == "raw":
        terminal.say("[roost: its screen cannot be shown at the moment; this is what is retained of its output]")
    with Signals() as signals:
        try:
            with terminal, attachment:
                relay = Relay(
                    attachment,
                    terminal,
                    signals,
                    keys,
                    view=plan.choice.mode == "view",
                    repaint_after_s=_REPAINT_AFTER_S if repaint else None,
                )
                terminal.save_title(os.environ.get("TERM", ""))
                ending = relay.run()
                alternate = terminal.screen.alternate
                _put_back(terminal, terminal.screen.fallback_reset() if ending.event is None else attachment.reset)
                terminal.restore(forget_input=ending.cause is Cause.LEFT)
        except BaseException:
            _put_back(terminal, terminal.screen.fallback_reset())
            terminal.say("")
            raise
    _say_farewell(terminal, ending, plan.name)
    return ending, attachment.offset, alternate


def _put_back(terminal: Terminal, reset: bytes) -> None:
    try:
        terminal.put_back(reset)
    except OSError:
        pass  # hung up


def _say_farewell(terminal: Terminal, ending: Ending, name: str) -> None:
    if ending.cause in (Cause.HUNG_UP, Cause.SUSPENDED):
        return
    for line in farewell(ending, name):
        terminal.say(line)


def say_where_it_is(name: str) -> None:
    """Tells a person how to come back to a session that runs on."""
    if sys.stderr.isatty():
        say(f"{name} runs on; come back with: roost attach {name}")
