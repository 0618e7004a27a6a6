"""What can be waited for, as it is written."""

from __future__ import annotations

import pytest

from roost.core.wait_conditions import events_named, parse_condition, parse_conditions
from roost.errors import InvalidError


def test_conditions_are_read() -> None:
    kinds = [c.kind for c in parse_conditions(["exit", "idle", "text=a=b", "regex=x+", "state=idle,done", "prompt"])]
    assert kinds == ["exit", "idle", "text", "regex", "state", "prompt"]
    assert (parse_condition("idle=1m").idle_s, parse_condition("idle").idle_s) == (60.0, None)
    assert parse_condition("state=idle, done").names == ("idle", "done")
    assert parse_condition("screen-text=x").on_screen


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("txt=a", "did you mean text"),
        ("what", "cannot be waited for"),
        ("text", "needs a value: text=TEXT"),
        ("text=", "empty"),
        ("exit=1", "has no value"),
        ("idle=soon", "not a duration"),
        ("state=busy", "there is no state 'busy'"),
        ("event=exitd", "did you mean 'exited'"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        parse_condition(text)


def test_nothing_and_too_much_are_refused() -> None:
    for texts in ([], ["exit"] * 65):
        with pytest.raises(InvalidError):
            parse_conditions(texts)


def test_an_event_may_be_of_several_categories() -> None:
    assert events_named("renamed") == {"lifecycle": {"renamed"}, "file": {"renamed"}}
    assert events_named("category:state") == {"state": {"state_changed"}}
