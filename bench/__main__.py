"""`python -m bench [--quick] [NAME …]`: run the benches, print the table, keep the results as JSON."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import time
import traceback
from pathlib import Path

from bench import benches, machine, native, report
from bench.context import context

RESULTS = Path(__file__).parent / "results"


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which benches, default all: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: under 2 minutes in all")
    parser.add_argument("--list", action="store_true", help="say what each bench compares, and stop")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(names)
    if unknown:
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    return chosen


def _run(name: str, *, quick: bool) -> report.Section:
    module = importlib.import_module(f"bench.benches.{name}")
    section = report.Section(name, (module.__doc__ or "").strip())
    began = time.monotonic()
    try:
        with context(quick=quick) as given:
            section.rows = module.run(given)
    except native.MissingPeerError as error:
        section.failure = str(error)
    except Exception as error:
        traceback.print_exc()
        section.failure = f"{type(error).__name__}: {error}".splitlines()[0]
    section.seconds = time.monotonic() - began
    return section


def main() -> int:
    """Run, print, save. Status 1 when a bench failed, 0 otherwise: a missed target is shown, not an error."""
    names = sorted(module.name for module in pkgutil.iter_modules(benches.__path__))
    chosen = _arguments(names)
    if chosen.list:
        for name in names:
            print(f"{name}: {(importlib.import_module(f'bench.benches.{name}').__doc__ or '').strip()}\n")
        return 0
    native.build()
    facts = machine.facts()
    print("; ".join(f"{key} {value}" for key, value in facts.items()), flush=True)
    sections = []
    for name in chosen.names or names:
        print(f"… {name}", file=sys.stderr, flush=True)
        sections.append(_run(name, quick=chosen.quick))
    facts["load at the end"] = f"{os.getloadavg()[0]:.2f}"
    print(report.table(sections))
    print(f"saved as {report.save(RESULTS, facts, sections)}")
    return 1 if any(section.failure for section in sections) else 0


if __name__ == "__main__":
    sys.exit(main())
