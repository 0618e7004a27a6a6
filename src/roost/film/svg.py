"""A recording as an SVG that plays by itself in a browser, without scripts. Pure.

The frames stand side by side behind a window of one frame's size; a CSS animation moves the strip.
"""

from __future__ import annotations

from roost.film.frames import Film
from roost.screen.pictures.theme import DARK, Theme
from roost.screen.pictures.vector import Strip, document, number, still, width_of


def film(shown: Film, theme: Theme = DARK) -> str:
    """All frames, in a loop."""
    if len(shown.frames) == 1:
        return still(shown.frames[0].screen, theme)
    strip = Strip(theme)
    width = width_of(shown.cols)
    frames, steps = [], []
    for place, frame in enumerate(shown.frames):
        percent = number(100 * frame.at_us / shown.duration_us, 4)
        steps.append(f"{percent}%{{transform:translateX({number(-place * width)}px)}}")
        frames.append(f'<g transform="translate({number(place * width)} 0)">{strip.frame(frame.screen)}</g>')
    seconds = number(shown.duration_us / 1e6, 3)
    style = f"@keyframes play{{{''.join(steps)}}}.film{{animation:play {seconds}s steps(1,end) infinite}}"
    body = f'<g class="film">{"".join(frames)}</g>'
    return document(shown.rows, shown.cols, theme, strip.definitions(), body, style)
