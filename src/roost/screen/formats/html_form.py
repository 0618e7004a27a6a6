"""A screen as one HTML file: text in a `pre`, styles as CSS, links as links where they lead to the web.

Owns the document. Nothing in it comes from elsewhere, and nothing that a program wrote can become markup or script.
"""

from __future__ import annotations

from roost.screen.formats.sgr import characters
from roost.screen.pictures.theme import DARK, Colours, Theme, hexed
from roost.screen.pictures.vector import decoration, escaped
from roost.screen.snapshot import PLAIN, Line, Run, Snapshot, unrolled

_SCHEMES = ("http://", "https://", "mailto:", "ftp://")
_FONTS = "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"


def render(snapshot: Snapshot) -> bytes:
    """The document; the scrollback that was taken stands above the screen."""
    return document(snapshot, DARK)


def document(snapshot: Snapshot, theme: Theme) -> bytes:
    """The document in other colours."""
    snapshot = unrolled(snapshot)
    colours = Colours(theme, snapshot.palette)
    lines = [
        _line(line, colours, snapshot.cursor.column if snapshot.cursor.visible and y == snapshot.cursor.row else -1)
        for y, line in enumerate(snapshot.lines)
    ]
    style = (
        f"body{{margin:0;background:{hexed(colours.background)};color:{hexed(colours.foreground)}}}"
        f"pre{{margin:0;padding:12px;font:14px/1.25 {_FONTS};width:{snapshot.cols}ch}}"
        "pre{direction:ltr;unicode-bidi:bidi-override}"
        "a{color:inherit}i{font-style:normal;display:inline-block;width:2ch}"
        f".cursor{{outline:1px solid {hexed(colours.cursor)}}}"
    )
    title = escaped(snapshot.title or "screen").replace('"', "&quot;")
    head = f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
    return (head + "<body><pre>" + "\n".join(lines) + "\n</pre></body></html>\n").encode(errors="replace")


def _line(line: Line, colours: Colours, cursor: int) -> str:
    parts = []
    for run in line.runs:
        if run.column <= cursor < run.column + run.cells:
            parts += [_run(part, colours, marked=part.column == cursor) for part in _around(run, cursor)]
        else:
            parts.append(_run(run, colours))
    if cursor >= line.cells:
        parts.append(" " * (cursor - line.cells) + '<span class="cursor"> </span>')
    return "".join(parts)


def _around(run: Run, cursor: int) -> list[Run]:
    """A run cut into what stands before, at and behind the cursor."""
    width = 2 if run.wide else 1
    all_of_it = characters(run)
    at = (cursor - run.column) // width
    pieces = ((0, at), (at, at + 1), (at + 1, len(all_of_it)))
    return [
        Run(
            cursor if (first, last) == (at, at + 1) else run.column + first * width,
            "".join(all_of_it[first:last]),
            (last - first) * width,
            run.style,
            run.wide,
        )
        for first, last in pieces
        if first < last
    ]


def _run(run: Run, colours: Colours, *, marked: bool = False) -> str:
    text = escaped(run.text) if not run.wide else "".join(f"<i>{escaped(one)}</i>" for one in characters(run))
    if run.style == PLAIN and not marked:
        return text
    css = _css(run, colours)
    attributes = (' class="cursor"' if marked else "") + (f' style="{css}"' if css else "")
    tagged = f"<span{attributes}>{text}</span>" if attributes else text
    if run.style.link.lower().startswith(_SCHEMES):
        address = escaped(run.style.link).replace('"', "&quot;")
        return f'<a href="{address}" rel="noreferrer noopener">{tagged}</a>'
    return tagged


def _css(run: Run, colours: Colours) -> str:
    style, look = run.style, colours.look(run.style)
    parts = []
    if look.foreground != colours.foreground:
        parts.append(f"color:{hexed(look.foreground)}")
    if look.background is not None:
        parts.append(f"background:{hexed(look.background)}")
    if style.bold:
        parts.append("font-weight:bold")
    if style.italic:
        parts.append("font-style:italic")
    lines = decoration(style, colours)
    if lines:
        parts.append(f"text-decoration:{lines}")
    return ";".join(parts)
