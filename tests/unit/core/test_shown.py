"""Lines for people: columns stand below each other, whatever the letters."""

from __future__ import annotations

import pytest

from roost.core.shown import aligned
from roost.core.width import text_width


def test_columns_begin_at_the_widest_cell_and_lines_have_no_blanks_at_the_end() -> None:
    """Each column begins two blanks behind the longest cell of the one before."""
    assert aligned([("ID", "NAME", "COMMAND"), ("1", "build", ""), ("12", "x", "make")]) == (
        "ID  NAME   COMMAND\n1   build\n12  x      make\n"
    )


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("build", 5),
        ("größe", 5),
        ("日本語", 6),
        ("🚀 up", 5),
        ("한글", 4),
        ("e\u0301te", 3),
        ("\uff26", 2),
        ("Ж", 1),
    ],
)
def test_width_is_that_of_a_terminal(text: str, columns: int) -> None:
    """Wide letters and emoji take two columns, what combines takes none."""
    assert text_width(text) == columns


def test_wide_names_leave_the_next_column_in_its_place() -> None:
    """In a terminal the second column begins at the same place in every line."""
    lines = aligned([("NAME", "X"), ("日本語", "|"), ("🚀", "|"), ("e\u0301", "|"), ("plain", "|")]).splitlines()
    assert {text_width(line.rpartition("|")[0]) for line in lines[1:]} == {8}
