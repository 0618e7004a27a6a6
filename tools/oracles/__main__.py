"""The command: makes recordings, or compares and reports. See the package."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from tools.oracles import terminals
from tools.oracles.plays import PLAYS
from tools.oracles.recording import DIRECTORY, Recording, record


@dataclass
class Count:
    """How many screens and rows there were, and how many were the same."""

    screens: int = 0
    same_screens: int = 0
    rows: int = 0
    same_rows: int = 0

    def add(self, ours: list[str], theirs: list[str]) -> list[tuple[int, str, str]]:
        """Count one screen; the rows that differ."""
        height = max(len(ours), len(theirs))
        pairs = [(y, ours[y] if y < len(ours) else "", theirs[y] if y < len(theirs) else "") for y in range(height)]
        different = [(y, one, other) for y, one, other in pairs if one != other]
        self.screens += 1
        self.same_screens += not different
        self.rows += height
        self.same_rows += height - len(different)
        return different

    def __str__(self) -> str:
        rows, screens = self.same_rows / max(self.rows, 1), self.same_screens / max(self.screens, 1)
        counted = f"rows {self.same_rows}/{self.rows} ({rows:.2%})"
        return f"{counted}, screens {self.same_screens}/{self.screens} ({screens:.1%})"


def compare(names: list[str], *, show: bool) -> int:
    """Show every recording to every terminal; 0 when at least 97 of 100 rows are the same."""
    paths = [path for path in sorted(DIRECTORY.glob("*.jsonl")) if not names or path.stem in names]
    recordings = [Recording.load(path) for path in paths]
    ours = [terminals.ours(one) for one in recordings]
    others = {"tmux": [terminals.tmux(one) for one in recordings], "xterm.js": terminals.xterm_js(recordings)}
    others["tmux by xterm.js"] = others["tmux"]
    good = True
    for name, theirs in others.items():
        first = others["xterm.js"] if name == "tmux by xterm.js" else ours
        total = Count()
        print(f"\n{name}")
        for path, mine, other in zip(paths, first, theirs, strict=True):
            count = Count()
            different = [found for a, b in zip(mine, other, strict=True) for found in count.add(a, b)]
            for a, b in zip(mine, other, strict=True):
                total.add(a, b)
            print(f"  {path.stem:14} {count}")
            for y, one, two in different if show else ():
                print(f"    row {y}\n      ours   {one!r}\n      theirs {two!r}")
        print(f"  {'all':14} {total}")
        good = good and (name == "tmux by xterm.js" or total.same_rows > 0.97 * total.rows)
    return 0 if good else 1


def make(names: list[str]) -> int:
    """Make recordings anew."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name in names or PLAYS:
        made = record(PLAYS[name])
        made.save(DIRECTORY / f"{name}.jsonl")
        print(f"{name}: {sum(len(event[1]) for event in made.events if event[0] == 'o')} bytes")
    return 0


def expect() -> int:
    """Note what xterm.js shows of every recording, for the tests."""
    paths = sorted(DIRECTORY.glob("*.jsonl"))
    shown = terminals.xterm_js([Recording.load(path) for path in paths])
    expected = {path.stem: screens for path, screens in zip(paths, shown, strict=True)}
    (DIRECTORY / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=0) + "\n")
    return 0


def main(arguments: list[str]) -> int:
    """Run the command."""
    what, *rest = arguments or ["compare"]
    if what == "record":
        return make(rest)
    if what == "expect":
        return expect()
    if what == "compare":
        return compare([name for name in rest if name != "-v"], show="-v" in rest)
    print("usage: python -m tools.oracles record [NAME...] | compare [-v] [NAME...] | expect", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
