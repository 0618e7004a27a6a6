"""Changes out of several processors' buffers come in the order of time, however the reading fell between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.platform.socket_trace import InOrder, StateChange

HERE, THERE = ("127.0.0.1", 1), ("127.0.0.1", 2)


def change(at_ns: int) -> StateChange:
    return StateChange(key=1, pid=1, at_ns=at_ns, before=1, after=2, local=HERE, peer=THERE)


def test_a_consequence_waits_for_its_cause_in_a_buffer_that_was_read_before() -> None:
    order = InOrder()
    assert order.add([change(5), change(12)], began_ns=10) == [change(5)]
    assert order.keeps
    assert order.add([change(11)], began_ns=20) == [change(11), change(12)]
    assert not order.keeps


@given(st.lists(st.sampled_from([0, 1, 2, "read"])))
def test_all_of_it_comes_once_and_in_the_order_of_time(steps: list[int | str]) -> None:
    """A number is a change in that buffer; each "read" empties one buffer, in turn, so changes fall in between."""
    order = InOrder()
    buffers: list[list[StateChange]] = [[], [], []]
    taken: list[StateChange] = []
    came: list[StateChange] = []
    turn = began_ns = 0
    for now, step in enumerate([*steps, *["read"] * 9]):
        if isinstance(step, int):
            buffers[step].append(change(now))
            continue
        began_ns = now if turn == 0 else began_ns
        taken, buffers[turn] = taken + buffers[turn], []
        turn = (turn + 1) % 3
        if turn == 0:
            came, taken = came + order.add(taken, began_ns), []
    assert [one.at_ns for one in came] == [now for now, step in enumerate(steps) if isinstance(step, int)]
