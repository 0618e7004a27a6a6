"""Rows, targets and how they are shown: a table for people, JSON for comparison. Measures nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.stats import Ratio, median, ratio


@dataclass(frozen=True)
class Target:
    """What a row should reach: at least, or at most, a bound. It applies to the ratio where there is one."""

    bound: float
    at_least: bool

    def met(self, value: float) -> bool:
        """Whether a measured value reaches it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


def at_least(bound: float) -> Target:
    """More is better."""
    return Target(bound, at_least=True)


def at_most(bound: float) -> Target:
    """Less is better."""
    return Target(bound, at_least=False)


@dataclass(frozen=True)
class Row:
    """One line: our value, the peer's value beside it, their ratio with its spread, and the target."""

    what: str
    unit: str
    ours: float | None
    against: str = ""
    theirs: float | None = None
    ratio: Ratio | None = None
    target: Target | None = None
    note: str = ""

    @property
    def judged(self) -> float | None:
        """The number that the target is about: the ratio, or our value where nothing is compared."""
        return self.ratio.median if self.ratio else self.ours

    @property
    def passed(self) -> bool | None:
        """Whether the target is met; None without a target or a measurement."""
        if self.target is None or self.judged is None:
            return None
        return self.target.met(self.judged)


def compared(
    what: str,
    unit: str,
    ours: Sequence[float],
    against: str,
    theirs: Sequence[float] | None,
    target: Target | None = None,
    note: str = "",
) -> Row:
    """A row of two series of alternated runs; a peer without runs is missing, which is no failure."""
    if theirs is None:
        return Row(what, unit, median(ours), against, note="missing")
    return Row(what, unit, median(ours), against, median(theirs), ratio(ours, theirs), target, note)


@dataclass
class Section:
    """One bench's rows, or why there are none."""

    name: str
    about: str
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""


_HEAD = ("measured", "roost", "peer", "its value", "ratio", "spread", "target", "")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _cells(row: Row) -> tuple[str, ...]:
    spread = f"{row.ratio.least:.2f} - {row.ratio.greatest:.2f}" if row.ratio else ""
    verdict = {True: "ok", False: "SHORT", None: ""}[row.passed]
    return (
        f"{row.what} [{row.unit}]" if row.unit else row.what,
        _number(row.ours),
        row.against,
        _number(row.theirs),
        f"{row.ratio.median:.2f}" if row.ratio else "",
        spread,
        str(row.target) if row.target else "",
        " ".join(part for part in (verdict, row.note) if part),
    )


def table(sections: Iterable[Section]) -> str:
    """All sections as one Markdown table that is also readable in a terminal."""
    lines: list[tuple[str, ...]] = [_HEAD]
    for section in sections:
        lines.append((f"**{section.name}** ({section.seconds:.0f} s)", *[""] * 7))
        if section.failure:
            lines.append((f"not measured: {section.failure}", *[""] * 7))
        lines += [_cells(row) for row in section.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    right = {1, 3, 4, 6}
    rendered = []
    for line in lines:
        cells = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        rendered.append("| " + " | ".join(cells) + " |")
    rule = "|" + "|".join(("-" * (w + 1) + ":") if i in right else "-" * (w + 2) for i, w in enumerate(widths)) + "|"
    return "\n".join([rendered[0], rule, *rendered[1:]])


def save(directory: Path, machine: dict[str, str], sections: Iterable[Section]) -> Path:
    """Write the results as JSON, named by the time of day, and return where."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    body = {
        "machine": machine,
        "sections": [
            {**asdict(section), "rows": [{**asdict(row), "passed": row.passed} for row in section.rows]}
            for section in sections
        ],
    }
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
