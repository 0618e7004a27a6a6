"""Recordings of real programs look as in a terminal that nobody here wrote: what it showed stands in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roost.screen.emulator import clamp, make_emulator

DIRECTORY = Path(__file__).resolve().parents[2] / "data/screens"
EXPECTED = json.loads((DIRECTORY / "expected.json").read_text())
#: Rows in which we differ, and how: the library leaves out the selector of a digit's emoji form, which is not seen.
DIFFERENT = {"emoji": {"1️⃣|#️⃣| keycaps": "1\u20e3|#\u20e3| keycaps"}}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("piece_bytes", [1 << 20, 7])
def test_the_screens_are_those_of_xterm_js(name: str, piece_bytes: int) -> None:
    head, *events = map(json.loads, (DIRECTORY / f"{name}.jsonl").read_text().splitlines())
    emulator = make_emulator(head["rows"], head["cols"])
    expected = iter(EXPECTED[name])
    for kind, *rest in events:
        if kind == "o":
            data = rest[0].encode("latin-1")
            for at in range(0, len(data), piece_bytes):
                emulator.feed(data[at : at + piece_bytes])
        elif kind == "r":
            emulator.resize(*clamp(*rest))
        else:
            assert emulator.text() == [DIFFERENT.get(name, {}).get(row, row) for row in next(expected)]
    assert next(expected, None) is None
    emulator.close()
