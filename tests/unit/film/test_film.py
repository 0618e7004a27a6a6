"""Pictures of recordings: which frames, what is in them, and that every form can be read by others."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import pytest

from roost.core.cast import Cast, CastEvent, CastHeader
from roost.errors import InvalidError
from roost.film import frames as frames_module
from roost.film.frames import Film, film_of, screen_at
from roost.film.gif import gif
from roost.film.svg import film as svg_film
from roost.screen.pictures.pixels import Painter, png
from roost.screen.pictures.theme import DARK, LIGHT, Colours, numbered
from roost.screen.pictures.vector import still
from roost.screen.snapshot import Palette, Style

SVG = "{http://www.w3.org/2000/svg}"


def cast(*events: tuple[float, str, str], rows: int = 10, cols: int = 40) -> Cast:
    return Cast(CastHeader(rows=rows, cols=cols), iter([CastEvent(int(at * 1e6), c, d) for at, c, d in events]))


def film(*events: tuple[float, str, str], fps: float = 10, **options: object) -> Film:
    return film_of(cast(*events), fps=fps, **options)  # type: ignore[arg-type]


def test_a_frame_is_what_a_slot_ended_with_and_stands_until_the_next() -> None:
    shown = film((0.0, "o", "a"), (0.05, "o", "b"), (1.0, "o", "c"), (1.5, "m", "mark"), (2.0, "o", "\x1b[0m"))
    assert [frame.screen.lines[0].text for frame in shown.frames] == ["ab", "abc"]
    assert [frame.at_us for frame in shown.frames] == [0, 1_000_000]


def test_idle_times_are_cut_and_speed_divides() -> None:
    events = ((0.0, "o", "a"), (10.0, "o", "b"), (11.0, "o", "c"))
    assert [f.at_us for f in film(*events, idle_limit_us=2_000_000).frames] == [0, 2_000_000, 3_000_000]
    assert [f.at_us for f in film(*events, speed=10.0).frames] == [0, 1_000_000, 1_100_000]


def test_too_many_frames_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_module, "MAX_FRAMES", 3)
    with pytest.raises(InvalidError, match="frames"):
        film(*((float(at), "o", "x") for at in range(6)))


def test_a_still_is_the_screen_of_its_time_at_its_size() -> None:
    def make() -> Cast:
        return cast((0, "o", "one\r\n"), (1, "r", "60x12"), (2, "o", "two"))

    assert [line.text for line in screen_at(make(), 1_500_000).lines[:2]] == ["one", ""]
    end = screen_at(make(), None)
    assert ([line.text for line in end.lines[:2]], end.rows, end.cols) == (["one", "two"], 12, 60)


def test_svg_is_well_formed_whatever_the_text_and_says_it() -> None:
    events = ((0.0, "o", "<&>\"' \x1b[1;31mred\x1b[0m 漢字 \x1b[4;9munder\x1b[0m"), (1.0, "o", "\r\nmore \x1b[7mx"))
    shown = film(*events)
    root = ET.fromstring(svg_film(shown))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "<&>\"' " in texts and "red" in texts and "漢字" in texts
    assert len(re.findall(r"translateX", svg_film(shown))) == 2
    lines = [element.get("id") for element in root.iter(f"{SVG}g") if element.get("id")]
    assert len(lines) == len(set(lines)) == 2, "a line that stays is drawn once"
    ET.fromstring(still(shown.frames[-1].screen, LIGHT))


def test_gif_and_png_are_read_by_pillow_and_have_the_right_times() -> None:
    from PIL import Image

    shown = film((0.0, "o", "a"), (0.333, "o", "b"), (0.666, "o", "\x1b[41mc"), (1.0, "o", "d"))
    with Image.open(io.BytesIO(gif(shown))) as image:
        durations = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            durations.append(image.info["duration"])
    assert sum(durations) == shown.duration_us // 1000 and len(durations) == 4
    painter = Painter(10, 40)
    with Image.open(io.BytesIO(png(shown.frames[-1].screen))) as image:
        assert image.size == painter.paint(shown.frames[-1].screen).size
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
        assert {DARK.background, numbered(1)} <= colours


def test_colours_are_those_of_the_style_and_of_what_the_program_changed() -> None:
    colours = Colours(DARK, Palette(numbered=((1, (1, 2, 3)),), background=(9, 9, 9)))
    assert colours.look(Style(foreground=1)).foreground == (1, 2, 3)
    assert colours.look(Style(foreground=1, bold=True)).foreground == numbered(9)
    inverse = colours.look(Style(inverse=True))
    assert (inverse.foreground, inverse.background) == ((9, 9, 9), DARK.foreground)
    assert colours.look(Style(foreground=2, invisible=True)).foreground == (9, 9, 9)
    assert [numbered(number) for number in (16, 231, 232, 255)] == [
        (0, 0, 0),
        (255, 255, 255),
        (8, 8, 8),
        (238, 238, 238),
    ]
