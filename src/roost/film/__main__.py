"""The process that makes a picture: `python -m roost.film CAST ORDER`, ORDER being a JSON object; the result on stdout.

Errors that can be told end it with status 3 and one JSON object on stderr: `kind`, `message`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from roost.core.cast import Cast, read_cast
from roost.errors import RoostError
from roost.film.frames import film_of, screen_at
from roost.screen.pictures.theme import THEMES
from roost.screen.snapshot import text_lines

TOLD = 3
#: How many lines of text a recording may have at most.
_TEXT_LINES = 100_000


def make(cast: Cast, order: dict[str, Any]) -> bytes:
    """The picture. order: format, at_us (of a still), fps, idle_limit_us, speed, theme, font."""
    form, theme = order["format"], THEMES[order["theme"]]
    if form == "txt":
        lines = text_lines(screen_at(cast, order["at_us"], scrollback=_TEXT_LINES))
        return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")
    if form == "html":
        from roost.screen.formats.html_form import document

        return document(screen_at(cast, order["at_us"], scrollback=_TEXT_LINES), theme)
    if form == "png":
        from roost.screen.pictures.pixels import png

        return png(screen_at(cast, order["at_us"]), theme, font=order["font"])
    if form == "svg" and order["still"]:
        from roost.screen.pictures.vector import still

        return still(screen_at(cast, order["at_us"]), theme).encode("utf-8", "replace")
    film = film_of(cast, fps=order["fps"], idle_limit_us=order["idle_limit_us"], speed=order["speed"])
    if form == "svg":
        from roost.film import svg

        return svg.film(film, theme).encode("utf-8", "replace")
    from roost.film.gif import gif

    return gif(film, theme, font=order["font"])


def main() -> int:
    """Read the recording, write the picture."""
    path, order = sys.argv[1:]
    try:
        with open(path, "rb") as lines:
            result = make(read_cast(lines, path), json.loads(order))
    except RoostError as error:
        json.dump({"kind": error.kind, "message": error.message}, sys.stderr)
        return TOLD
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
