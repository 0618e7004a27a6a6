"""A recording as a GIF, by Pillow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from roost.film.frames import Film
from roost.screen.pictures.pixels import Painter
from roost.screen.pictures.theme import DARK, Theme

if TYPE_CHECKING:
    from PIL import Image

#: GIF counts in hundredths of a second; players slow down what is faster than two of them.
_LEAST_CS = 2


def gif(shown: Film, theme: Theme = DARK, *, font: str = "") -> bytes:
    """All frames as a GIF in a loop."""
    painter = Painter(shown.rows, shown.cols, theme, font=font)
    images = _images(painter, shown)
    out = io.BytesIO()
    next(images).save(
        out, "GIF", save_all=True, append_images=images, duration=_durations_ms(shown), loop=0, optimize=False
    )
    return out.getvalue()


def _images(painter: Painter, shown: Film) -> Iterator[Image.Image]:
    from PIL.Image import Dither

    for frame in shown.frames:
        yield painter.paint(frame.screen).quantize(256, dither=Dither.NONE)


def _durations_ms(shown: Film) -> list[int]:
    """Hundredths of a second that add up: what rounding takes from one frame the next one gets."""
    durations, shown_cs = [], 0
    ends = [frame.at_us for frame in shown.frames[1:]] + [shown.duration_us]
    for end_us in ends:
        length = max(_LEAST_CS, round(end_us / 10_000) - shown_cs)
        durations.append(length * 10)
        shown_cs += length
    return durations
