"""Makes docs/calls.md of what a daemon says can be called: `python tools/generate_calls.py` asks the one that runs.

`tests/process/test_calls.py` holds that the page says nothing else than a daemon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "calls.md"
_HEAD = """# Roost calls

Every call of the daemon with its parameters, as `daemon.calls` tells them; `tools/generate_calls.py` makes this page.
On the socket they travel in a RoostCall (docs/wire.md), over HTTP as `POST /v1/calls/NAME` with `{"params": {…},
"data": BASE64}`; most have a route of their own, too, whose answers are typed in `/v1/openapi.json` (docs/http.md), and
a verb of the clients (docs/client.md). An unknown parameter, or one of another type, is refused by name. `target` is a
session as everywhere.
"""


def page(calls: Iterable[Mapping[str, Any]]) -> str:
    """The page."""
    return "\n".join([_HEAD, *map(_section, calls)])


def _section(call: Mapping[str, Any]) -> str:
    about = call["about"] or "No parameters."
    rows = [f"| `{p['name']}` | {_cell(p['type'])} | {_default(p)} |" for p in call["params"]]
    table = ["", "| parameter | type | default |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"## `{call['name']}`", "", about, *table, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(parameter: Mapping[str, Any]) -> str:
    return "required" if parameter["required"] else f"`{json.dumps(parameter['default'], ensure_ascii=False)}`"


def main() -> None:
    """Ask the daemon, write the page."""
    from roost.client import Client
    from roost.client.calls import Call

    with Client() as client:
        told = client._perform(Call("daemon.calls", lambda result, _data: result["calls"], {}))
    PAGE.write_text(page(told), encoding="utf-8")


if __name__ == "__main__":
    main()
