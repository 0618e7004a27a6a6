"""What is said when an attachment ended, and the exit code that goes with it.

Owns the wording, pure.
"""

from __future__ import annotations

from roost.cli.failures import ERROR, OK, child_exit_code
from roost.cli.relay import Cause, Ending
from roost.cli.wording import count
from roost.core.outcome import signal_name
from roost.model.attaching import Detached, Exited, Stolen


def farewell(ending: Ending, name: str) -> list[str]:
    """The lines to show after the terminal was put back."""
    lines = [_how(ending, name)]
    if ending.missed_bytes:
        lines.append(
            f"[{count(ending.missed_bytes, 'byte')} of output missed: the terminal was slower than the program]"
        )
    if ending.undelivered_bytes:
        lines.append(f"[{count(ending.undelivered_bytes, 'typed byte')} not delivered]")
    if ending.doubtful_bytes:
        lines.append(f"[{count(ending.doubtful_bytes, 'typed byte')} may not have arrived]")
    return lines


def _how(ending: Ending, name: str) -> str:
    event = ending.event
    if isinstance(event, Exited):
        return describe_exit(event)
    if isinstance(event, Stolen):
        return f"[{name} stolen by {event.by or 'another client'}: roost attach --steal {name}]"
    if isinstance(event, Detached) and ending.cause is Cause.EVENT and event.reason not in ("", "detached"):
        return f"[detached from {name} ({event.reason}): roost attach {name}]"
    return f"[detached from {name}: roost attach {name}]"


def describe_exit(event: Exited) -> str:
    """`[exited 3]`, `[ended by SIGKILL]`, or that it is not known."""
    number = event.signal or (-event.code if event.code is not None and event.code < 0 else 0)
    if number:
        return f"[ended by {signal_name(number)}]"
    if event.code is None:
        return "[ended; its exit code is not known]"
    return f"[exited {event.code}]"


def attach_exit_code(ending: Ending, *, child: bool) -> int:
    """The exit code of `attach`, or with `child` of `run`, which passes on the child's own."""
    if isinstance(ending.event, Exited):
        return child_exit_code(ending.event.code, ending.event.signal) if child else OK
    if ending.cause is Cause.SIGNAL:
        return 128 + ending.signal
    if ending.cause is Cause.HUNG_UP:
        return 129
    return ERROR if isinstance(ending.event, Stolen) else OK
