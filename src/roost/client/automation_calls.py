"""The calls behind waits, commands in a shell and states, as data. Pure; see `calls`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roost.client.calls import Call
from roost.client.results import Executed, OutputPiece, Receipt, Waited
from roost.core.targets import is_address
from roost.errors import InvalidError, RoostError, WaitTimeoutError, WrongStateError


@dataclass(frozen=True, slots=True)
class WaitBegun:
    """Where a wait begins: of which session, and what the daemon said about the moment; None if it knows of no such."""

    target: str
    anchor: Mapping[str, Any] | None = None


def begin_wait(target: str) -> Call[WaitBegun]:
    """The moment from which on something is waited for, kept by the client: the next daemon could not know it."""

    def read(result: Mapping[str, Any], _data: bytes) -> WaitBegun:
        same = is_address(target)  # what an address names stays as it is
        return WaitBegun(target if same else result["session_id"], result["anchor"])

    return Call("wait.anchor", read, {"target": target}, repeatable=True)


def begun_without(target: str, error: RoostError) -> WaitBegun:
    """The wait with a daemon of before `wait.anchor`; lets every other error out."""
    if error.kind != "unknown_request":
        raise error
    return WaitBegun(target)


def wait_for(
    begun: WaitBegun,
    conditions: Sequence[str],
    *,
    all: bool,
    timeout_s: float | None,
    since: int | None,
    stream: str,
) -> Call[Waited]:
    """With its beginning known a wait is the same one under the next daemon."""
    if isinstance(conditions, str):
        raise InvalidError(f"conditions are a list, not {conditions!r}")
    params = {
        "target": begun.target,
        "conditions": list(conditions),
        "all": all,
        "timeout_s": timeout_s,
        "since": since,
        "stream": stream,
        "anchor": begun.anchor,
    }

    def read(result: Mapping[str, Any], _data: bytes) -> Waited:
        waited = Waited.from_json(result)
        if not waited.why:
            return waited
        hint = f"; {waited.hint}" if waited.hint else ""
        met = f" ({len(waited.matched)} of {len(conditions)} came)" if waited.matched else ""
        what = f"{' and '.join(conditions) if all else ' or '.join(conditions)}{met}"
        if waited.why == "timeout":
            raise WaitTimeoutError(f"{waited.name}: {timeout_s:g} s passed without {what}{hint}")
        raise WrongStateError(f"{waited.name} has exited without {what}{hint}")

    return Call("wait.for", read, params, repeatable=begun.anchor is not None, extra_s=timeout_s)


def wait_output(target: str, from_offset: int, timeout_s: float | None, stream: str) -> Call[OutputPiece]:
    """Output behind an offset, as soon as there is some."""
    params = {"target": target, "from_offset": from_offset, "timeout_s": timeout_s, "stream": stream}

    def read(result: Mapping[str, Any], data: bytes) -> OutputPiece:
        return OutputPiece.from_json({**result, "data": data})

    return Call("wait.output", read, params, repeatable=True, extra_s=timeout_s)


def run_command(
    target: str, command: str | Sequence[str], *, timeout_s: float | None, limit_bytes: int | None
) -> Call[Executed]:
    """A command line, or the words of one, which are quoted as a POSIX shell wants it."""
    line = command if isinstance(command, str) else shlex.join(command)
    params = {"target": target, "command": line, "timeout_s": timeout_s, "limit_bytes": limit_bytes}

    def read(result: Mapping[str, Any], data: bytes) -> Executed:
        return Executed.from_json({**result, "output": data})

    return Call("exec.run", read, params, extra_s=timeout_s)


def explain(target: str) -> Call[dict[str, Any]]:
    """Why a session is said to be in its state."""

    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, Any]:
        return dict(result)

    return Call("state.explain", read, {"target": target}, repeatable=True)


def _receipt(result: Mapping[str, Any], _data: bytes) -> Receipt:
    return Receipt.from_json(result)


def add_followup(
    target: str, text: str, *, key: str, enter: bool, paste: bool, now: bool, wait: str, timeout_s: float | None
) -> Call[Receipt]:
    """Repeatable with a key only: without one a repeat would be another input."""
    params = {"target": target, "text": text, "key": key, "enter": enter, "paste": paste, "now": now}
    wish = {"wait": wait, "timeout_s": timeout_s}
    return Call("followup.add", _receipt, {**params, **wish}, repeatable=bool(key), extra_s=_extra(wait, timeout_s))


def get_followup(id: str, wait: str, timeout_s: float | None) -> Call[Receipt]:
    params = {"id": id, "wait": wait, "timeout_s": timeout_s}
    return Call("followup.get", _receipt, params, repeatable=True, extra_s=_extra(wait, timeout_s))


def list_followups(target: str | None, *, all: bool) -> Call[list[Receipt]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[Receipt]:
        return [Receipt.from_json(entry) for entry in result["followups"]]

    return Call("followup.list", read, {"target": target, "all": all}, repeatable=True)


def cancel_followup(id: str) -> Call[Receipt]:
    return Call("followup.cancel", _receipt, {"id": id})


def _extra(wait: str, timeout_s: float | None) -> float | None:
    return timeout_s if wait else 0.0
