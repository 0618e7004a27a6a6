"""What a child's environment is made of, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.daemon.environment import OWN_VARIABLES, Pairs, block_of, child_environment
from roost.errors import InvalidError

NAME = st.sampled_from([b"A", b"B", b"TERM", b"\xff", *OWN_VARIABLES])
PAIRS = st.lists(st.tuples(NAME, st.sampled_from([b"", b"1", b"x=y", b"\xff \n"])), max_size=8)


@given(base=PAIRS, entries=PAIRS, own=PAIRS)
def test_later_entries_win_and_what_is_roosts_own_comes_from_roost_alone(
    base: Pairs, entries: Pairs, own: Pairs
) -> None:
    found = child_environment(base, entries, own)
    ours = dict(own)
    theirs = {key: value for key, value in [*base, *entries] if key not in OWN_VARIABLES}
    assert dict(found) == theirs | ours
    assert len(found) == len(dict(found))
    assert [key for key, _ in found[len(found) - len(ours) :]] == list(dict(reversed(own)))[::-1]


@pytest.mark.parametrize("entry", [(b"", b"x"), (b"A=B", b"x"), (b"A\0", b"x"), (b"A", b"x\0")])
def test_an_impossible_entry_is_refused_wherever_it_stands(entry: tuple[bytes, bytes]) -> None:
    for entries in ([entry], [(b"A", b"1"), entry, (b"B", b"2")]):
        with pytest.raises(InvalidError, match="impossible name or value"):
            child_environment([], entries, [])


def test_a_block_has_a_nul_byte_between_entries_only() -> None:
    assert block_of([]) == b""
    assert block_of([(b"A", b"1"), (b"B", b"")]) == b"A=1\0B="
