"""What the documents point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md")]


def test_every_promise_names_a_test_that_there_is() -> None:
    """docs/behaviour.md: `directory/file.py::name`, and `::name` for another one of the same file."""
    missing = []
    for row in (ROOT / "docs" / "behaviour.md").read_text().splitlines():
        source = ""
        for path, name in re.findall(r"`((?:\w+/)+\w+\.py)?(?:::(\w+))?`", row):
            if path:
                found = ROOT / "tests" / path
                source = found.read_text() if found.is_file() else ""
            if (path and not source) or (name and f"def {name}(" not in source):
                missing.append(f"{path}::{name}")
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    """Links within the project, from the document's own place."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []
