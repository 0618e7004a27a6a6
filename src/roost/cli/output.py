"""How results are printed: JSON when asked for, plain lines else; data on stdout.

Owns the form of output. Messages for people go through `failures.say`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from roost.model.record import Record


def print_json(value: Any) -> None:
    """One JSON document; records become objects, lists of them arrays."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_pairs(pairs: Iterable[tuple[str, Any]]) -> None:
    """Names and values, aligned."""
    rows = [(name, str(value)) for name, value in pairs]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def colour_wanted() -> bool:
    """Whether stdout takes colours: a terminal, and neither NO_COLOR nor TERM=dumb."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def command_line(argv: Sequence[str]) -> str:
    """An argv as one would type it."""
    import shlex

    return shlex.join(argv)
