"""docs/wire.md has every field of every extension, with its number and type, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from roost.wire import daemon_v1_pb2 as pb

PAGE = (Path(__file__).parents[3] / "docs/wire.md").read_text()
#: Messages told of in a sentence, not in a table.
IN_PROSE = {"RoostLimit", "RoostTee", "RoostGap", "RoostExit", "RoostSize"}
_KINDS = {4: "uint64", 13: "uint32", 17: "sint32", 1: "double", 8: "bool", 9: "string", 12: "bytes"}


def in_proto() -> dict[str, set[tuple[str, int, str]]]:
    """The extensions by name: their fields with number and type."""
    found = {}
    for name, message in pb.DESCRIPTOR.message_types_by_name.items():
        if name.startswith("Roost"):
            found[name] = {(f.name, f.number, _kind(f)) for f in message.fields}
    return found


def _kind(field: object) -> str:
    kind = field.message_type.name if field.message_type else _KINDS[field.type]  # type: ignore[attr-defined]
    return f"repeated {kind}" if field.is_repeated else kind  # type: ignore[attr-defined]


def test_tables_have_the_fields_that_there_are() -> None:
    """Each section about an extension has a row of each of its fields."""
    told = {}
    for section in PAGE.split("\n## ")[1:]:
        name = section.split()[0]
        rows = re.findall(r"^\| (\w+) \| (\d+) \| ([\w ]+) \|", section, re.MULTILINE)
        told[name] = {(field, int(number), kind) for field, number, kind in rows}
    assert {name: told.get(name) for name in in_proto().keys() - IN_PROSE} == {
        name: fields for name, fields in in_proto().items() if name not in IN_PROSE
    }


def test_sentences_name_the_fields_that_there_are() -> None:
    """`name` (number, type...) for each field of the small messages."""
    told = {(name, int(number)) for name, number in re.findall(r"`(\w+)`\s\((\d+),\s", PAGE)}
    missing = {(f, n) for name in IN_PROSE for f, n, _ in in_proto()[name]} - told
    assert missing == set()
