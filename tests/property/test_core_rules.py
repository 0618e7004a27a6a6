"""The small rules against the plainest model of each."""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.core.backlog import V1Mark, v1_attach, v1_backlog
from roost.core.cursor import place, take
from roost.core.names import check_name, free_name, is_session_id, name_for_command, session_id
from roost.core.sizing import POLICIES, Sizing
from roost.core.targets import Candidate, resolve
from roost.errors import RoostError

CAPACITY = 10


@given(steps=st.lists(st.one_of(st.integers(1, 25), st.sampled_from(["attach", "backlog"])), max_size=40))
def test_v1s_backlog_is_that_of_a_queue_that_is_drained(steps: list[int | str]) -> None:
    queue: deque[int] = deque()
    lost = end = 0
    mark = V1Mark()
    for step in steps:
        if isinstance(step, int):
            for offset in range(end, end + step):
                queue.append(offset)
                if len(queue) > CAPACITY:
                    queue.popleft()
                    lost += 1
            end += step
            continue
        expected = (list(queue), lost)
        if step == "attach":
            answer, mark = v1_attach(mark, end, CAPACITY)
            queue.clear()
        else:
            answer = v1_backlog(mark, end, CAPACITY)
        assert (list(range(answer.start, answer.end)), answer.missed) == expected


@given(writes=st.lists(st.integers(0, 30), max_size=30), limit=st.integers(1, 20), begin=st.integers(0, 5))
def test_a_cursor_serves_or_counts_every_byte_once(writes: list[int], limit: int, begin: int) -> None:
    end = begin
    offset = accounted = place(0, end, from_offset=begin).offset
    for written in writes:
        end += written
        gap, start, stop = take(offset, max(0, end - CAPACITY), end, limit)
        if gap:
            assert gap.start == accounted
            accounted = gap.end
        assert start == accounted
        assert start <= stop <= end
        offset = accounted = stop


@given(random=st.binary(min_size=7, max_size=7))
def test_ids_have_their_shape_and_can_be_found(random: bytes) -> None:
    made = session_id(random)
    assert is_session_id(made)
    assert not made[2:].isdigit()
    candidate = Candidate(made, "name", 1, True, 0.0)
    assert resolve(made, [candidate]) is candidate
    assert resolve(made[:6], [candidate]) is candidate


@given(programs=st.lists(st.one_of(st.text(), st.binary()), max_size=12))
def test_made_names_are_allowed_and_unique(programs: list[str | bytes]) -> None:
    taken: set[str] = set()
    for program in programs:
        name = name_for_command(program, taken)
        assert check_name(name) == name
        assert name not in taken
        taken.add(name)
        assert len(free_name(name, taken)) <= 64


NAMES = st.text("ab-1", min_size=1, max_size=4)


@given(
    rows=st.lists(st.tuples(NAMES, st.integers(1, 9), st.booleans(), st.integers(0, 9)), max_size=8),
    target=st.text("abs-19", max_size=5),
)
def test_the_resolver_finds_something_that_matches_or_refuses(
    rows: list[tuple[str, int, bool, int]], target: str
) -> None:
    candidates = [
        Candidate(f"s-{index:a>10}", name, pid, live, float(at)) for index, (name, pid, live, at) in enumerate(rows)
    ]
    try:
        found = resolve(target, candidates)
    except RoostError as error:
        assert error.kind in ("not_found", "ambiguous")
        return
    assert target in found.id or target in found.name or target == str(found.pid)
    exact = [item for item in candidates if target in (item.id, item.name)]
    assert not exact or found in exact or target.isdecimal()
    assert found.live or not any(item.live for item in exact)


ACTS = st.tuples(
    st.sampled_from(["join", "leave", "typed", "client_resized", "resize"]),
    st.sampled_from("abc"),
    st.integers(0, 70000),
    st.integers(0, 200),
)


@given(acts=st.lists(ACTS, max_size=40), policy=st.sampled_from(POLICIES))
@settings(deadline=None)
def test_a_terminal_always_has_a_size(acts: list[tuple[str, str, int, int]], policy: str) -> None:
    sizing = Sizing(policy=policy)
    for act, client, rows, cols in acts:
        before = sizing.size
        arguments = {"resize": (rows, cols), "leave": (client,), "typed": (client,)}
        try:
            after = getattr(sizing, act)(*arguments.get(act, (client, rows, cols)))
        except RoostError:
            assert sizing.size == before
            continue
        assert after == sizing.size
        assert 1 <= after.rows <= 65535
        assert 1 <= after.cols <= 65535
