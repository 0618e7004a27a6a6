"""What is said at the end of an attachment, and the exit code."""

from __future__ import annotations

import pytest

from roost.cli.farewell import attach_exit_code, farewell
from roost.cli.relay import Cause, Ending
from roost.model import Detached, Exited, Stolen


def exited(code: int | None, number: int | None = None) -> Ending:
    return Ending(Cause.EVENT, Exited(code, number, "natural", None))


@pytest.mark.parametrize(
    ("ending", "line", "attach_code", "run_code"),
    [
        (exited(0), "[exited 0]", 0, 0),
        (exited(3), "[exited 3]", 0, 3),
        (exited(None, 9), "[ended by SIGKILL]", 0, 137),
        (exited(-15), "[ended by SIGTERM]", 0, 143),
        (exited(None), "[ended; its exit code is not known]", 0, 1),
        (Ending(Cause.LEFT, Detached("detached")), "[detached from build: roost attach build]", 0, 0),
        (Ending(Cause.LEFT), "[detached from build: roost attach build]", 0, 0),
        (
            Ending(Cause.EVENT, Stolen("ada on pts/3")),
            "[build stolen by ada on pts/3: roost attach --steal build]",
            1,
            1,
        ),
        (Ending(Cause.SIGNAL, None, 15), "[detached from build: roost attach build]", 143, 143),
        (Ending(Cause.HUNG_UP), "[detached from build: roost attach build]", 129, 129),
    ],
)
def test_each_ending_has_its_line_and_code(ending: Ending, line: str, attach_code: int, run_code: int) -> None:
    assert farewell(ending, "build") == [line]
    assert attach_exit_code(ending, child=False) == attach_code
    assert attach_exit_code(ending, child=True) == run_code


def test_losses_are_told_at_the_end() -> None:
    lines = farewell(Ending(Cause.LEFT, None, 0, undelivered_bytes=1, doubtful_bytes=2, missed_bytes=3000), "build")
    assert lines[1:] == [
        "[3,000 bytes of output missed: the terminal was slower than the program]",
        "[1 typed byte not delivered]",
        "[2 typed bytes may not have arrived]",
    ]
