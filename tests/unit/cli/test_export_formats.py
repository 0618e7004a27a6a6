"""Which files `roost export` writes, from its flags and the name of its output."""

from __future__ import annotations

import click
import pytest

from roost.cli.export_formats import outputs


@pytest.mark.parametrize(
    ("forms", "output", "files"),
    [
        ([], "a.svg", [("svg", "a.svg")]),
        ([], "a.HTM", [("html", "a.HTM")]),
        (["gif"], None, [("gif", None)]),
        (["gif"], "-", [("gif", None)]),
        (["gif"], "a", [("gif", "a")]),
        (["cast-v2"], "old.cast", [("cast-v2", "old.cast")]),
        (["gif", "svg", "gif"], "a.b", [("gif", "a.b.gif"), ("svg", "a.b.svg")]),
        (["gif", "svg"], "a.gif", [("gif", "a.gif"), ("svg", "a.svg")]),
        (["cast", "cast-v2"], "a", [("cast", "a.cast"), ("cast-v2", "a.v2.cast")]),
    ],
)
def test_every_format_that_is_asked_for_has_its_file(
    forms: list[str], output: str | None, files: list[tuple[str, str | None]]
) -> None:
    assert outputs(forms, output) == files


@pytest.mark.parametrize(
    ("forms", "output", "words"),
    [
        ([], None, "which format"),
        ([], "a.webm", "which format"),
        (["svg"], "a.gif", "called gif"),
        (["svg", "gif"], None, "several"),
        (["svg", "gif"], "-", "several"),
    ],
)
def test_what_says_no_or_two_formats_is_refused(forms: list[str], output: str | None, words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        outputs(forms, output)
