"""Long input: cut where a line ends, sent to one session, and a failure says how far it came."""

from __future__ import annotations

import random

import pytest

from roost.client.results import Sent
from roost.client.sending import PIECE_BYTES, InputSending, pieces_of
from roost.errors import WrongStateError


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7])
@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r"])
def test_the_pieces_are_the_whole_and_each_fits(size: int, line_end: bytes) -> None:
    data = bytearray(random.Random(size).choices(b"abc", k=size))
    for at in range(500, size, 1000):
        data[at : at + 1] = line_end or b"a"
    pieces = pieces_of(bytes(data))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert all(piece.endswith(line_end) for piece in pieces[:-1])


def test_enter_comes_behind_the_last_piece_and_the_target_is_resolved_once() -> None:
    sending = InputSending("", bytes(2 * PIECE_BYTES + 1), enter=True)
    asked = []
    while (call := sending.next_call()) is not None:
        asked.append((call.params["target"], call.params["enter"], len(call.data)))
        sending.answered(Sent(session_id="s-1", written=len(call.data)))
    assert asked == [("", False, PIECE_BYTES), ("s-1", False, PIECE_BYTES), ("s-1", True, 1)]
    assert sending.result == Sent(session_id="s-1", written=2 * PIECE_BYTES + 1)


def test_a_failure_says_what_was_written_before() -> None:
    sending = InputSending("x", bytes(PIECE_BYTES + 1), enter=False)
    error = WrongStateError("it has exited")
    sending.failed(error)
    assert error.message == "it has exited"
    sending.next_call()
    sending.answered(Sent(session_id="s-1", written=PIECE_BYTES))
    sending.failed(error)
    assert error.message == f"it has exited ({PIECE_BYTES} bytes were written before)"
