"""Events: their JSON, the gap rule of filters, and lines for people."""

from __future__ import annotations

import json

import pytest

from roost.core.event_entry import Entry, encode
from roost.core.event_lines import event_line
from roost.core.events import Event, EventFilter


def event(category: str = "lifecycle", type: str = "exited", **fields: object) -> Event:
    return Event(3, 17, 1_700_000_000.25, category, type, **fields)  # type: ignore[arg-type]


def test_an_event_comes_back_from_its_json_also_with_unknown_keys() -> None:
    one = event(session_id="s", session_name="n", originator="o", data={"code": 0}, grade="sampled", source="x")
    told = json.loads(encode(one)) | {"later": 1}
    assert Event.from_json(told) == one and Entry.of(one).event() == one


@pytest.mark.parametrize(
    "data",
    [{"path": "a\udcff\ud800"}, {"at": float("nan")}, {"raw": b"\xff"}, {1: {2, 3}}, {"deep": [[[[["x"]]]]]}],
)
def test_any_data_has_a_line_of_json(data: dict[object, object]) -> None:
    line = encode(event(data=data))
    assert b"\n" not in line and json.loads(line)["type"] == "exited"


def test_data_that_never_ends_has_a_line_too() -> None:
    endless: dict[str, object] = {}
    endless["self"] = endless
    assert json.loads(encode(event(data=endless)))["id"] == "3.17"


def test_a_gap_passes_where_something_missing_could_have_passed() -> None:
    of_all = event(type="gap", data={"category": None})
    of_files = event(type="gap", session_id="s", data={"category": "file"})
    files = EventFilter(categories=frozenset({"file"}), types=frozenset({"created"}), session_ids=frozenset({"s"}))
    agents = EventFilter(categories=frozenset({"agent"}), session_ids=frozenset({"s"}))
    others = EventFilter(session_ids=frozenset({"t"}))
    assert [files.wants(of_all), agents.wants(of_all), others.wants(of_all)] == [True, True, True]
    assert [files.wants(of_files), agents.wants(of_files), others.wants(of_files)] == [True, False, False]


def test_a_line_says_whose_what_and_how_and_moves_no_cursor() -> None:
    line = event_line(event(session_name="bui\x1b[2Jld", data={"outcome": "natural", "code": 3}), colour=False)
    assert line.split()[1:] == ["bui?[2Jld", "lifecycle.exited", "code=3", "outcome=natural"]
    assert "\x1b[31m" in event_line(event(data={"code": 3}), colour=True), "a failure is red"
    assert "(sampled)" in event_line(event("process", "fork", grade="sampled"), colour=False)
    assert len(event_line(event(data={"argv": ["x" * 100] * 100}), colour=False)) < 500
