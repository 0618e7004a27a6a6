"""Whether a screen shows what rules of redaction hide.

Pure. A screen has lost the lines of the stream that rules look at: a secret may stand across two of its rows, and have
colours in it. So a screen is looked at in several ways, and is not shown at all where a rule finds something in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from roost.core.plain_text import PlainText
from roost.core.redaction import Rule, redact_text


def shows_hidden(rules: Sequence[Rule], painted: bytes) -> bool:
    """Whether a rule matches in what such output shows: row by row, or with rows joined."""
    if not rules:
        return False
    plain = PlainText(0).feed(painted).text.decode("utf-8", "replace")
    rows = [row.strip() for row in plain.split("\n")]
    joined = ["".join(rows), *(first + second for first, second in pairwise(rows))]
    return any(redact_text(rules, text) != text for text in (plain, *joined))
