"""What can be called, as a daemon tells it, and as docs/calls.md says."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from support.http import Http
from support.instance import Instance

ROOT = Path(__file__).resolve().parents[2]


def calls(shared: Instance) -> list[dict[str, Any]]:
    answer = Http(f"unix:{shared.root}/run/roost/http.sock").post("/v1/calls/daemon.calls", {})
    return list(answer.json["result"]["calls"])


def test_each_call_tells_its_parameters(shared: Instance) -> None:
    known = {call["name"]: {p["name"]: p for p in call["params"]} for call in calls(shared)}
    assert len(known) > 60
    assert known["approvals.answer"]["decision"] == {
        "name": "decision",
        "type": '"approve" | "deny"',
        "required": True,
    }
    assert known["followup.add"]["now"] == {"name": "now", "type": "boolean", "required": False, "default": False}
    assert known["daemon.calls"] == {}


def test_the_page_says_nothing_that_a_daemon_does_not(shared: Instance) -> None:
    section = runpy.run_path(str(ROOT / "tools" / "generate_calls.py"))["_section"]
    told = {call["name"]: section(call).splitlines() for call in calls(shared)}
    page = (ROOT / "docs" / "calls.md").read_text(encoding="utf-8")
    sections = [text.splitlines() for text in page.split("\n## ")[1:]]
    assert len(sections) > 60
    for heading, *lines in sections:
        name = heading.strip("`")
        wrong = set(lines) - set(told.get(name, ())) - {""}
        assert not wrong, f"{name}: make the page anew with tools/generate_calls.py"
