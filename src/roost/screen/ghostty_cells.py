"""Reading the cells of a libghostty terminal into lines of runs.

Owns the library's view of a screen and the memory of what its packed cells mean: a row arrives as numbers in one call,
and only what a number means for the first time is asked for. A screen of 80x24 costs about a millisecond.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from roost.screen.ghostty_library import check, ffi, lib, sized
from roost.screen.snapshot import PLAIN, Colour, Line, Run, Style

_WIDE, _TAIL, _HEAD = 1, 2, 3
_MEMORY = 20_000


class _Cell(NamedTuple):
    """What a packed cell means by itself. style: number in its row, -1 for a background of its own."""

    text: str
    wide: int
    style: int
    link: bool
    cluster: bool
    background: Colour


class CellReader:
    """Reads one terminal."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._known: dict[int, _Cell] = {}
        self._styles: dict[tuple[object, ...], Style] = {}
        self._state = ffi.new("GhosttyRenderState *")
        check(lib.ghostty_render_state_new(ffi.NULL, self._state), "render state")
        self._rows = ffi.new("GhosttyRenderStateRowIterator *")
        check(lib.ghostty_render_state_row_iterator_new(ffi.NULL, self._rows), "rows")
        self._cells = ffi.new("GhosttyRenderStateRowCells *")
        check(lib.ghostty_render_state_row_cells_new(ffi.NULL, self._cells), "cells")
        self._view = ffi.new("GhosttyCellsView *")
        self._row = ffi.new("GhosttyRow *")
        self._overscan = ffi.new("GhosttyRenderStateOverscan *")
        self._style = sized("GhosttyStyle")
        self._wrap = ffi.new("bool *")
        self._y = ffi.new("int32_t *")

    def close(self) -> None:
        """Give the library's memory back."""
        lib.ghostty_render_state_row_cells_free(self._cells[0])
        lib.ghostty_render_state_row_iterator_free(self._rows[0])
        lib.ghostty_render_state_free(self._state[0])

    def lines(self, above: int, *, plain: bool = False) -> tuple[list[Line], list[Line]]:
        """Up to `above` lines of scrollback, and those of the screen; `plain`: without styles."""
        state = self._state[0]
        self._overscan.above = min(max(above, 0), 65535)
        check(lib.ghostty_render_state_set(state, lib.GHOSTTY_RENDER_STATE_OPTION_OVERSCAN, self._overscan), "overscan")
        check(lib.ghostty_render_state_update(state, self._terminal), "update")
        check(lib.ghostty_render_state_get(state, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, self._rows), "rows")
        if len(self._known) > _MEMORY:
            self._known.clear()
        found: tuple[list[Line], list[Line]] = [], []
        rows = self._rows[0]
        while lib.ghostty_render_state_row_iterator_next(rows):
            lib.ghostty_render_state_row_get(rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_VIEWPORT_Y, self._y)
            found[self._y[0] >= 0].append(self._line(rows, self._y[0], plain=plain))
        return found

    def cursor_shape(self) -> int:
        """The shape of the cursor as the last `lines` found it."""
        out = ffi.new("int *")
        check(
            lib.ghostty_render_state_get(self._state[0], lib.GHOSTTY_RENDER_STATE_DATA_CURSOR_VISUAL_STYLE, out),
            "cursor",
        )
        return int(out[0])

    def place(self, y: int, x: int, ref: Any) -> int:
        """Let `ref` stand for a cell; rows above the screen have negative numbers."""
        function = ffi.cast(
            "GhosttyResult (*)(GhosttyTerminal, RoostPoint, GhosttyGridRef *)",
            ffi.addressof(lib, "ghostty_terminal_grid_ref"),
        )
        point = ffi.new("RoostPoint *")
        if y < 0:
            total = ffi.new("size_t *")
            lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_SCROLLBACK_ROWS, total)
            point.tag, y = lib.GHOSTTY_POINT_TAG_SCREEN, int(total[0]) + y
        point.value.x, point.value.y = x, max(0, y)
        return int(function(self._terminal, point[0], ref))

    # --- a row ----------------------------------------------------------------------------------------------------

    def _line(self, rows: Any, y: int, *, plain: bool) -> Line:
        check(lib.ghostty_render_state_row_get(rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view), "cells")
        written = bytes(ffi.buffer(self._view.ptr, self._view.len * 8)).rstrip(b"\0") if self._view.len else b""
        packed = ffi.unpack(self._view.ptr, -(-len(written) // 8)) if written else []
        check(lib.ghostty_render_state_row_get(rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, self._row), "row")
        lib.ghostty_row_get(self._row[0], lib.GHOSTTY_ROW_DATA_WRAP, self._wrap)
        while packed and (not packed[-1] or self._is_plain_head(packed[-1])):
            packed.pop()
        if not packed:
            return Line((), bool(self._wrap[0]))
        check(lib.ghostty_render_state_row_get(rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells), "cells")
        return Line(tuple(self._runs(packed, y, plain=plain)), bool(self._wrap[0]))

    def _runs(self, packed: list[int], y: int, *, plain: bool) -> list[Run]:
        runs: list[Run] = []
        known = self._known
        styles: dict[int, Style] = {0: PLAIN}
        texts: list[str] = []
        start, style_now, wide_now = 0, PLAIN, False
        for x, value in enumerate(packed):
            cell = known.get(value) or self._learn(value)
            if cell.wide == _TAIL:
                continue
            style = PLAIN if plain else styles.get(cell.style)
            if style is None or (cell.link and not plain):
                style = self._style_of(cell, x, y)
                if cell.style >= 0 and not cell.link:
                    styles[cell.style] = style
            wide = cell.wide == _WIDE
            if texts and (style is not style_now or wide is not wide_now) and (style != style_now or wide != wide_now):
                runs.append(Run(start, "".join(texts), x - start, style_now, wide_now))
                texts, start = [], x
            elif not texts:
                start = x
            style_now, wide_now = style, wide
            texts.append(self._cluster(x) if cell.cluster else cell.text)
        if texts:
            runs.append(Run(start, "".join(texts), len(packed) - start, style_now, wide_now))
        return runs

    def _cluster(self, x: int) -> str:
        """A character of several code points."""
        lib.ghostty_render_state_row_cells_select(self._cells[0], x)
        length = ffi.new("uint32_t *")
        cells = self._cells[0]
        data = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN
        check(lib.ghostty_render_state_row_cells_get(cells, data, length), "length")
        points = ffi.new("uint32_t[]", max(int(length[0]), 1))
        data = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF
        check(lib.ghostty_render_state_row_cells_get(cells, data, points), "characters")
        return "".join(map(_character, ffi.unpack(points, length[0])))

    # --- what a packed cell means -----------------------------------------------------------------------------------

    def _is_plain_head(self, value: int) -> bool:
        """Whether a cell was left blank because a wide character did not fit into it, and looks like nothing."""
        cell = self._known.get(value) or self._learn(value)
        return cell.wide == _HEAD and cell.style == 0

    def _learn(self, value: int) -> _Cell:
        tag = self._field(value, lib.GHOSTTY_CELL_DATA_CONTENT_TAG, "int")
        wide = self._field(value, lib.GHOSTTY_CELL_DATA_WIDE, "int")
        style = self._field(value, lib.GHOSTTY_CELL_DATA_STYLE_ID, "uint16_t")
        link = bool(self._field(value, lib.GHOSTTY_CELL_DATA_HAS_HYPERLINK, "bool"))
        background: Colour = None
        text = " "
        if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
            background = self._field(value, lib.GHOSTTY_CELL_DATA_COLOR_PALETTE, "uint8_t")
        elif tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
            rgb = ffi.new("GhosttyColorRgb *")
            check(lib.ghostty_cell_get(value, lib.GHOSTTY_CELL_DATA_COLOR_RGB, rgb), "colour")
            background = (int(rgb.r), int(rgb.g), int(rgb.b))
        else:
            point = self._field(value, lib.GHOSTTY_CELL_DATA_CODEPOINT, "uint32_t")
            text = _character(point) if point else " "
        cluster = tag == lib.GHOSTTY_CELL_CONTENT_CODEPOINT_GRAPHEME
        if wide == _WIDE and text == " " and not cluster:  # as a wide character of another charset is left
            wide, text = 0, "  "
        number = style if background is None else -1
        cell = _Cell(text, wide, number, link, cluster, background)
        self._known[value] = cell
        return cell

    def _field(self, value: int, data: int, ctype: str) -> int:
        out = ffi.new(ctype + " *")
        check(lib.ghostty_cell_get(value, data, out), "cell")
        return int(out[0])

    def _style_of(self, cell: _Cell, x: int, y: int) -> Style:
        if cell.background is not None:
            return self._interned((cell.background,))
        lib.ghostty_render_state_row_cells_select(self._cells[0], x)
        data = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE
        check(lib.ghostty_render_state_row_cells_get(self._cells[0], data, self._style), "style")
        return self._interned(_style_key(self._style, self._link(x, y) if cell.link else ""))

    def _interned(self, key: tuple[object, ...]) -> Style:
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = _background(key[0]) if len(key) == 1 else Style(*key)  # type: ignore[arg-type]
            if len(self._styles) > _MEMORY:
                self._styles.clear()
        return style

    def _link(self, x: int, y: int) -> str:
        ref, length = sized("GhosttyGridRef"), ffi.new("size_t *")
        if self.place(y, x, ref) != 0:
            return ""
        lib.ghostty_grid_ref_hyperlink_uri(ref, ffi.NULL, 0, length)
        buffer = ffi.new("uint8_t[]", max(int(length[0]), 1))
        if lib.ghostty_grid_ref_hyperlink_uri(ref, buffer, len(buffer), length) != 0:
            return ""
        uri = bytes(ffi.buffer(buffer, length[0])[:]).decode("utf-8", "replace")
        return uri if uri.isprintable() else ""


def _background(colour: Any) -> Style:
    return Style(background=colour)


def _character(point: int) -> str:
    # Half of a surrogate pair or a control character would be no text.
    return chr(point) if 32 <= point < 0xD800 or 0xE000 <= point < 0x110000 else "\N{REPLACEMENT CHARACTER}"


def _style_key(style: Any, link: str) -> tuple[object, ...]:
    """The fields of `Style`, in their order."""
    return (
        _colour(style.fg_color),
        _colour(style.bg_color),
        _colour(style.underline_color),
        bool(style.bold),
        bool(style.faint),
        bool(style.italic),
        bool(style.blink),
        bool(style.inverse),
        bool(style.invisible),
        bool(style.strikethrough),
        bool(style.overline),
        int(style.underline),
        link,
    )


def _colour(colour: Any) -> Colour:
    if colour.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(colour.value.palette)
    if colour.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = colour.value.rgb
        return (int(rgb.r), int(rgb.g), int(rgb.b))
    return None
