"""The forms of a screen say what it shows, and let nothing through that a program should not be able to say."""

from __future__ import annotations

import io
import json
from xml.dom import minidom

import pytest

from roost.errors import InvalidError, UnavailableError
from roost.screen.emulator import make_emulator
from roost.screen.formats import FORMATS, render
from roost.screen.pictures.fonts import Fonts
from roost.screen.snapshot import Snapshot

OUTPUT = (
    "\x1b[1;31mred\x1b[0m 漢字 e\u0301 <b>&\r\n\x1b[4:3mwavy\x1b[0m \x1b]8;;javascript:alert(1)\x1b\\bad\x1b]8;;\x1b\\ "
    '\x1b]8;;https://ok/"x\x1b\\good\x1b]8;;\x1b\\\x1b]2;</title><script>\x07'
).encode()


def shown(output: bytes = OUTPUT, rows: int = 5, cols: int = 40, scrollback: int = 0) -> Snapshot:
    emulator = make_emulator(rows, cols)
    emulator.feed(output)
    return emulator.snapshot(scrollback=scrollback)


def test_text_has_a_line_for_each_row_without_what_is_blank() -> None:
    assert render(shown(), "text").decode() == "red 漢字 e\u0301 <b>&\nwavy bad good\n"
    assert render(shown(b""), "text") == b""
    assert render(shown(b"a\r\n" * 9, scrollback=2), "text") == b"a\n" * 6


def test_json_has_every_run_with_its_style() -> None:
    screen = json.loads(render(shown(), "json"))
    first, second = screen["lines"][0]["runs"][:2]
    assert first == {"column": 0, "cells": 3, "text": "red", "style": {"foreground": 1, "bold": True}}
    assert second == {"column": 3, "cells": 1, "text": " "}
    wide = screen["lines"][0]["runs"][2]
    assert (wide["text"], wide["column"], wide["cells"]) == ("漢字", 4, 4)
    assert screen["title"] == "</title><script>" and screen["cursor"]["row"] == 1


def test_the_first_colour_of_the_palette_is_a_colour() -> None:
    screen = json.loads(render(shown(b"\x1b[30;40mx"), "json"))
    assert screen["lines"][0]["runs"][0]["style"] == {"foreground": 0, "background": 0}


def test_html_is_text_whatever_a_program_writes() -> None:
    page = render(shown(), "html").decode()
    assert "<script" not in page and "javascript:" not in page and "<b>" not in page
    assert "&lt;b&gt;&amp;" in page and '<a href="https://ok/&quot;x"' in page and "underline wavy" in page
    assert "<i>漢</i><i>字</i>" in page, "wide characters take two cells"


def test_svg_is_well_formed() -> None:
    document = minidom.parseString(render(shown(b"\x1b[2J\x1b[H" + OUTPUT + b"\x01\x02"), "svg"))
    assert "red" in "".join(node.firstChild.data for node in document.getElementsByTagName("text"))


def test_png_is_a_picture_of_all_rows_and_the_scrollback_above() -> None:
    image = pytest.importorskip("PIL.Image")
    small = image.open(io.BytesIO(render(shown(), "png")))
    tall = image.open(io.BytesIO(render(shown(b"a\r\n" * 20, scrollback=10), "png")))
    assert small.format == "PNG" and tall.height > small.height and tall.width == small.width


def test_without_pillow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnavailableError, match="picture"):
        render(shown(), "png")


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidError, match=", ".join(FORMATS)):
        render(shown(), "pdf")


def test_the_hash_is_about_what_is_seen() -> None:
    one = shown(b"text")
    assert one.hash == shown(b"\x1b[31m\x1b[0mtext").hash
    others = [b"text\x1b[H", b"texT", b"\x1b[1mtext", b"\x1b]2;t\x07text", b"text\x1b[?25l", b"\x1b[?1049htext"]
    assert len({one.hash, *(shown(other).hash for other in others)}) == 1 + len(others)


def test_svg_places_every_character_of_several_code_points_in_its_own_cells() -> None:
    texts = minidom.parseString(render(shown("ae\u0301 👨\u200d👩 x".encode()), "svg")).getElementsByTagName("text")
    placed = {text.firstChild.data: text.getAttribute("x") for text in texts if text.firstChild}  # type: ignore[union-attr]
    assert placed["a"] == "0" and placed["e\u0301"] == "8.4" and placed["👨\u200d"] == "25.2" and placed["👩"] == "42"


def test_a_picture_of_too_many_cells_is_refused() -> None:
    with pytest.raises(InvalidError, match="use svg"):
        render(shown(rows=400, cols=200), "png")


def test_a_font_in_which_a_character_is_missing_gives_way_to_one_that_has_it() -> None:
    fonts = Fonts("", 16)
    assert fonts.of("M", bold=False, italic=False) is fonts.plain
    other = fonts.of("\u2800", bold=True, italic=True)  # braille, which few monospaced fonts have
    assert fonts.of("\u2800", bold=True, italic=True) is other
    assert fonts.of("\U0010fffe", bold=False, italic=False) is fonts.plain, "nobody has it"
