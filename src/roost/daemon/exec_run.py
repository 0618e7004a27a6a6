"""Runs a command in a session's shell, as a person at its prompt would, and tells its output and exit code.

Owns `exec.run`. What came of a command is told by the shell's marks; where they do not tell, the exit code is None and
the reason says why. It is never guessed.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import dataclass

from roost.core.events import Event, EventFilter
from roost.core.head_tail import HeadTail
from roost.core.plain_text import PlainText
from roost.core.wait_conditions import parse_condition
from roost.daemon import keyboard, views
from roost.daemon.around import Context, Wired
from roost.daemon.bus import EventBus
from roost.daemon.calls import Calls, Method, Params, Result, check_duration
from roost.daemon.service import Service
from roost.daemon.session import Session
from roost.daemon.tap import Tap
from roost.daemon.waiting.wait import WaitOptions, Waits
from roost.errors import InvalidError, WrongStateError
from roost.platform.process_facts import command_line

#: Output of one command that is kept, if the caller asks for no other limit.
DEFAULT_LIMIT_BYTES = 1 << 20
MAX_LIMIT_BYTES = 8 << 20
MAX_COMMAND_BYTES = 64 * 1024
#: Without marks a command counts as over when nothing was written for so long.
SILENCE_S = 1.0
#: Without a word from the shell that a command began, and nothing written for so long, it waits for the rest of it.
INCOMPLETE_S = 2.0
#: How long a prompt may take to come behind a command that has ended.
PROMPT_S = 5.0
#: How old an integrated shell may become without its first prompt; then it is taken for one that marks nothing.
STARTING_S = 30.0
_SHELLS = frozenset(("sh", "dash", "bash", "zsh", "fish", "ksh", "mksh", "ash", "busybox", "tcsh", "csh"))
_KILL_LINE = b"\x15"
_INTERRUPT = b"\x03"
_MARK = re.compile(rb"\A\x1b\](?:133|633);C[^\x07\x1b]*(?:\x07|\x1b\\)")
#: How zsh shows that output did not end with a line end (or that it did: then nothing is to be seen of it).
_ZSH_END = re.compile(rb"\x1b\[1m\x1b\[7m[%#]\x1b\[27m\x1b\[1m\x1b\[0m +\r \r\Z")

REASONS = {
    "no_marks": "its shell marks no commands (see `roost run --shell-integration`); what it wrote is here, "
    "but not whether that is all",
    "busy": "a command is running in it; nothing was typed",
    "not_a_shell": "there is no shell in front; nothing was typed",
    "starting": "the shell has not come to its first prompt; nothing was typed",
    "not_started": "the shell came back to its prompt without running a command; mostly its syntax is wrong",
    "incomplete": "the shell waits for the rest of the command (a quote or a block is open); it was given up by Ctrl-C",
    "not_told": "the shell did not tell the exit code",
    "timeout": "it is still running",
    "exited": "the session ended with it",
}


class ExecParams(Params, frozen=True):
    """A command line for the session's shell."""

    command: str
    target: str = ""
    timeout_s: float | None = None
    limit_bytes: int = DEFAULT_LIMIT_BYTES


@dataclass(slots=True)
class Outcome:
    """What came of a command; offsets of its output, None where it is not known."""

    reason: str = ""
    exit_code: int | None = None
    start: int | None = None
    end: int | None = None
    duration_s: float | None = None


class Executor:
    """Runs commands, one at a time in a session."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bus: EventBus, waits: Waits) -> None:
        self._loop = loop
        self._bus = bus
        self._waits = waits
        self._under_way: set[str] = set()

    async def call(self, calls: Calls, p: ExecParams, _data: bytes) -> Result:
        """`exec.run`."""
        session = calls.service.find(p.target)
        _check(session, p)
        if session.id in self._under_way:
            return self._answer(session, p, Outcome("busy"), [], 0)
        self._under_way.add(session.id)
        try:
            return await self._run(calls.service, session, p)
        finally:
            self._under_way.discard(session.id)

    async def _run(self, service: Service, session: Session, p: ExecParams) -> Result:
        shell, stream = session.shell, session.streams["stdout"]
        stream.scan_to_end()
        refusal = await self._until_first_prompt(session, p) or _refusal(session) or await self._until_prompt(session)
        if refusal:
            return self._answer(session, p, Outcome(refusal), [], 0)
        assert shell is not None
        kept = HeadTail(p.limit_bytes)
        begin = stream.ring.end
        tap = Tap(stream, begin, kept.add, lambda _start, _end: None)
        tap.open()
        try:
            if shell.seen:
                outcome = await self._run_marked(service, session, p, begin)
            else:
                outcome = await self._run_unmarked(service, session, p, begin)
                outcome.start = begin + _echoed(kept.between(begin, tap.offset)[0], p.command)
        finally:
            tap.close()
        start = begin if outcome.start is None else outcome.start
        end = tap.offset if outcome.end is None else outcome.end
        parts, omitted = kept.between(start, end)
        outcome.start, outcome.end = start, end
        return self._answer(session, p, outcome, parts, omitted)

    async def _until_first_prompt(self, session: Session, p: ExecParams) -> str:
        """A shell that is integrated and has marked nothing yet is reading its startup files; why it came to no prompt,
        or "" to go on."""
        shell = session.shell
        if shell is None or shell.seen or not shell.integrated:
            return ""
        left_s = session.origin.created_at + STARTING_S - time.time()
        if left_s <= 0:
            return ""
        short = p.timeout_s is not None and p.timeout_s < left_s
        options = WaitOptions(timeout_s=p.timeout_s if short else left_s, since=0)
        waited = await self._waits.wait_for(session, [parse_condition("prompt")], options)
        if waited.why == "exited":
            return "exited"
        return "starting" if waited.why and short else ""

    async def _until_prompt(self, session: Session) -> str:
        """Behind a command that has just ended, the prompt comes in a moment; why it does not, or ""."""
        shell = session.shell
        if shell is None or not shell.seen or shell.at_prompt:
            return ""
        waited = await self._waits.wait_for(
            session, [parse_condition("prompt")], WaitOptions(timeout_s=PROMPT_S, since=0)
        )
        return "busy" if waited.why else ""

    # --- with marks -------------------------------------------------------------------------------------------------

    async def _run_marked(self, service: Service, session: Session, p: ExecParams, begin: int) -> Outcome:
        done: asyncio.Future[Outcome] = self._loop.create_future()
        outcome = Outcome()

        def finish(reason: str = "") -> None:
            outcome.reason = reason
            if not done.done():
                done.set_result(outcome)

        def on_shell(event: Event) -> None:
            data = event.data
            if data["offset"] < begin or done.done():
                return
            if event.type == "command_started":
                outcome.start = data["offset"]
            elif event.type == "command_finished":
                outcome.start, outcome.end = data["output_offset"], data["offset"]
                outcome.exit_code, outcome.duration_s = data["exit_code"], data["duration_s"]
                finish("" if outcome.exit_code is not None else "not_told")
            elif event.type == "prompt" and outcome.start is None:
                outcome.end = data["offset"]
                finish("not_started")

        def on_exit() -> None:
            self._loop.call_soon(finish, "exited")  # behind the output that the loop has still to see

        want = EventFilter(frozenset(("shell",)), None, frozenset((session.id,)))
        subscription = self._bus.subscribe(want, on_shell, passive=True)
        session.when_exited.append(on_exit)
        try:
            async with asyncio.timeout(p.timeout_s):
                await service.send(session, _typed(session, p.command))
                if await self._waits_for_more(session, outcome, done):
                    await service.send(session, _INTERRUPT)
                    await done  # the prompt comes back
                    outcome.reason = "incomplete"
                await done
        except TimeoutError:
            outcome.reason = "timeout"
        finally:
            subscription.close()
            session.when_exited.remove(on_exit)
        return outcome

    async def _waits_for_more(self, session: Session, outcome: Outcome, done: asyncio.Future[Outcome]) -> bool:
        """Whether the shell has gone silent without beginning the command; returns as soon as that is decided."""
        while outcome.start is None and not done.done():
            silent_s = time.time() - max(session.last_output_at or 0.0, session.typing.last_input_at or 0.0)
            if silent_s >= INCOMPLETE_S:
                return True
            await asyncio.wait([done], timeout=INCOMPLETE_S - silent_s)
        return False

    # --- without ----------------------------------------------------------------------------------------------------

    async def _run_unmarked(self, service: Service, session: Session, p: ExecParams, begin: int) -> Outcome:
        await service.send(session, _typed(session, p.command))
        conditions = [parse_condition(f"idle={SILENCE_S:g}s")]
        waited = await self._waits.wait_for(session, conditions, WaitOptions(timeout_s=p.timeout_s, since=begin))
        return Outcome({"timeout": "timeout", "exited": "exited"}.get(waited.why, "no_marks"))

    # --- the answer -------------------------------------------------------------------------------------------------

    def _answer(self, session: Session, p: ExecParams, outcome: Outcome, parts: list[bytes], omitted: int) -> Result:
        if parts:
            parts[0] = _MARK.sub(b"", parts[0])
            parts[-1] = _ZSH_END.sub(b"", parts[-1])
        return {
            "session_id": session.id,
            "name": session.record.name,
            "command": p.command,
            "exit_code": outcome.exit_code,
            "reason": outcome.reason,
            "explanation": REASONS.get(outcome.reason, ""),
            "duration_s": outcome.duration_s,
            "output_offset": outcome.start,
            "end_offset": outcome.end,
            "head_bytes": len(parts[0]) if omitted and parts else None,
            "omitted_bytes": omitted,
            "exit": None if session.live else views.exit_status(session),
        }, b"".join(parts)


def _check(session: Session, p: ExecParams) -> None:
    name = session.record.name
    if not session.is_pty:
        raise InvalidError(f"session {name} has no terminal, so no shell is to be typed into; use `roost send`")
    if not p.command.strip():
        raise InvalidError("the command is empty")
    if len(p.command.encode()) > MAX_COMMAND_BYTES:
        raise InvalidError(f"a command has {MAX_COMMAND_BYTES} bytes at most; put a longer one into a file")
    if not 1 <= p.limit_bytes <= MAX_LIMIT_BYTES:
        raise InvalidError(f"between 1 and {MAX_LIMIT_BYTES} bytes of output can be kept")
    if p.timeout_s is not None:
        check_duration(p.timeout_s)
    if not session.live:
        raise WrongStateError(f"session {name} has exited; there is no shell to run a command in")


def _refusal(session: Session) -> str:
    """Why nothing can be typed, "" if it can."""
    shell = session.shell
    if shell is None:
        return "not_a_shell"
    if shell.seen:
        return "busy" if shell.running else ""
    try:
        group = os.tcgetpgrp(session.terminal)
    except OSError:
        return "not_a_shell"
    if group == session.origin.pid:
        return "" if _is_shell(group) else "not_a_shell"
    return "busy" if _is_shell(session.origin.pid) else "not_a_shell"


def _is_shell(pid: int) -> bool:
    argv = command_line(pid)
    return bool(argv) and os.path.basename(argv[0]).removeprefix("-") in _SHELLS


def _echoed(parts: list[bytes], command: str) -> int:
    """How much of the output is the echo of the command: its first line, if the command stands in it."""
    line = parts[0][: parts[0].find(b"\n") + 1] if parts else b""
    return len(line) if command.encode() in PlainText(0).feed(line).text else 0


def _typed(session: Session, command: str) -> bytes:
    """The command as it is typed, in the place of what somebody may have begun to type at this prompt."""
    shell = session.shell
    begun = shell is not None and shell.prompt_at is not None and (session.typing.input_from or 0) > shell.prompt_at
    text, _ = keyboard.pasted(session, command.encode(), "whole")
    return (_KILL_LINE if begun else b"") + text + keyboard.enter_bytes(session)


def wire(context: Context) -> Wired:
    """Bring `exec.run`."""
    executor = Executor(context.loop, context.bus, context.shared["waits"])
    return Wired(methods={"exec.run": Method(ExecParams, executor.call)})
