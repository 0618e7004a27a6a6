"""The emulator of libghostty-vt, which comes with the package `pyghostty`.

Owns the calls of the library: feeding, sizes, its binary copy of a terminal, and everything that is asked of it beside
the cells (those are `ghostty_cells`). The library may end the process at input it does not expect, so that this belongs
into a process which may end.
"""

from __future__ import annotations

import re
from typing import Any

from roost.core.modes import ENCODINGS, MOUSE, SWITCHES
from roost.screen.ghostty_cells import CellReader
from roost.screen.ghostty_library import check, ffi, lib, sized
from roost.screen.snapshot import Cursor, Palette, Snapshot

#: Its cap in bytes is 10,000 unless it is set; this is as much as the lines of a very wide terminal take.
_SCROLLBACK_BYTES = 32 << 20
_UNFINISHED_BYTES = 4096
#: Modes that the scanner follows and the library does not know.
_UNKNOWN = frozenset((2031, 1001))
_ANSI = 1 << 15
_SHAPES = {0: "bar", 1: "block", 2: "underline", 3: "block"}
#: The library's own words for what goes on behind the last cell, in its order.
_STATE = re.compile(
    rb"(?:\x1b\[(\d+);(\d+)r)?(?:\x1b\[(\d+);(\d+)s)?(?:\x1b\[>4;(\d)m)?\x1b\[\d+;\d+H(.*)\Z", re.DOTALL
)
_PLAIN = b"\x1b[0m"
_KITTY = re.compile(rb"\x1b\[=(\d+);1u")


class GhosttyEmulator:
    """One terminal of the library."""

    def __init__(self, rows: int, cols: int, *, scrollback: int) -> None:
        """The size has to be one that `emulator.clamp` gives."""
        handle = ffi.new("GhosttyTerminal *")
        check(lib.ghostty_terminal_new(ffi.NULL, handle, cols, rows), "terminal")
        self._adopt(handle[0], rows, cols)
        self._set("SCROLLBACK_MAX_LINES", "size_t", scrollback)
        self._set("SCROLLBACK_MAX_BYTES", "size_t", _SCROLLBACK_BYTES)
        self._set("CONTINUATION_MAX_BYTES", "size_t", _UNFINISHED_BYTES)
        self._set("KITTY_IMAGE_STORAGE_LIMIT", "uint64_t", 0)

    def _adopt(self, terminal: Any, rows: int, cols: int) -> None:
        self._terminal = terminal
        self.rows = rows
        self.cols = cols
        self._reader = CellReader(terminal)

    def _set(self, option: str, ctype: str, value: int) -> None:
        number = getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}")
        check(lib.ghostty_terminal_set(self._terminal, number, ffi.new(ctype + " *", value)), option)

    def _get(self, data: str, ctype: str) -> Any:
        out = ffi.new(ctype + " *")
        check(lib.ghostty_terminal_get(self._terminal, getattr(lib, f"GHOSTTY_TERMINAL_DATA_{data}"), out), data)
        return out[0]

    # --- what happens to it ---------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Show output; cut anywhere."""
        lib.ghostty_terminal_vt_write(self._terminal, data, len(data))

    def resize(self, rows: int, cols: int) -> None:
        """Have another size; the normal screen is wrapped anew."""
        if (rows, cols) != (self.rows, self.cols):
            check(lib.ghostty_terminal_resize(self._terminal, cols, rows, 8, 16), "resize")
            self.rows, self.cols = rows, cols

    def close(self) -> None:
        """Give its memory back; safe to repeat."""
        if self._terminal is not None:
            self._reader.close()
            lib.ghostty_terminal_free(self._terminal)
            self._terminal = None

    def clone(self) -> GhosttyEmulator:
        """Another in the same state, without the scrollback."""
        data, length = ffi.new("uint8_t **"), ffi.new("size_t *")
        check(lib.ghostty_snapshot_encode_alloc(self._terminal, ffi.NULL, data, length), "encode")
        decoder, terminal = ffi.new("GhosttySnapshotDecoder *"), ffi.new("GhosttyTerminal *")
        try:
            check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, data[0], length[0]), "decoder")
            try:
                check(lib.ghostty_snapshot_decoder_ready(decoder[0], terminal), "decode")
            finally:
                lib.ghostty_snapshot_decoder_free(decoder[0])
        finally:
            lib.ghostty_free(ffi.NULL, data[0], length[0])
        copy = object.__new__(GhosttyEmulator)
        copy._adopt(terminal[0], self.rows, self.cols)
        return copy

    # --- what it shows --------------------------------------------------------------------------------------------

    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, from 0."""
        return int(self._get("CURSOR_Y", "uint16_t")), int(self._get("CURSOR_X", "uint16_t"))

    def scrolled(self) -> int:
        """How many lines of scrollback there are."""
        return int(self._get("SCROLLBACK_ROWS", "size_t"))

    def text(self) -> list[str]:
        """What the screen says, line by line: cheaper than a snapshot."""
        return [line.text for line in self._reader.lines(0, plain=True)[1]]

    def history(self, lines: int) -> bytes:
        """The newest lines of scrollback as what writes them, each ended; rows that belong together are one line."""
        there = self.scrolled()
        if not min(lines, there) > 0:
            return b""
        selection = sized("GhosttySelection")
        self._reader.place(-min(lines, there), 0, ffi.addressof(selection.start))
        self._reader.place(-1, self.cols - 1, ffi.addressof(selection.end))
        options = sized("GhosttyFormatterTerminalOptions")
        options.emit = lib.GHOSTTY_FORMATTER_FORMAT_VT
        options.unwrap = options.trim = True
        options.selection = selection
        written = self._format(options).rstrip(b"\r\n")
        return written + b"\x1b[m\r\n"

    def snapshot(self, *, scrollback: int = 0, primary: bool = False) -> Snapshot:
        """The screen, and up to so many lines of scrollback; with `primary` also what the alternate screen hides."""
        alternate = self._get("ACTIVE_SCREEN", "GhosttyTerminalScreen") == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE
        above, lines = self._reader.lines(scrollback)
        return Snapshot(
            rows=self.rows,
            cols=self.cols,
            lines=tuple(lines),
            cursor=self._cursor(),
            title=self._title(),
            alternate=alternate,
            scrollback=tuple(above),
            scrollback_lines=self.scrolled(),
            primary=self._primary(scrollback) if primary and alternate else None,
            palette=self._palette(),
            unfinished=self._unfinished(),
            modes=self._modes(),
            **self._state(),
        )

    def _primary(self, scrollback: int) -> Snapshot:
        copy = self.clone()
        try:
            if copy._unfinished():
                copy.feed(b"\x18")  # CAN ends what is under way
            copy.feed(b"\x1b[?1049l" if self._mode(1049) else b"\x1b[?1047l")  # the first puts the cursor back too
            return copy.snapshot(scrollback=scrollback)
        finally:
            copy.close()

    def _cursor(self) -> Cursor:
        row, column = self.cursor()
        return Cursor(
            row=row,
            column=column,
            visible=bool(self._get("CURSOR_VISIBLE", "bool")),
            shape=_SHAPES.get(int(self._reader.cursor_shape()), "block"),
            blinking=self._mode(12),
            pending_wrap=bool(self._get("CURSOR_PENDING_WRAP", "bool")),
        )

    def _title(self) -> str:
        text = self._get("TITLE", "GhosttyString")
        raw = ffi.buffer(text.ptr, text.len)[:] if text.len else b""
        return "".join(filter(str.isprintable, raw.decode("utf-8", "replace")))

    def _mode(self, number: int) -> bool:
        config = ffi.new("GhosttyTerminalModeConfig *")
        config.mode = number if number >= 0 else -number | _ANSI
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, config), f"mode {number}")
        return bool(config.value)

    def _modes(self) -> tuple[int, ...]:
        """The modes that differ from those of a fresh terminal."""
        switches = [(number, fresh) for number, fresh in SWITCHES.items() if number not in _UNKNOWN]
        switches += [(number, False) for number in sorted(MOUSE | ENCODINGS) if number not in _UNKNOWN]
        return tuple(number for number, fresh in switches if self._mode(number) is not fresh)

    def _palette(self) -> Palette:
        now, fresh = self._colours("COLOR_PALETTE"), self._colours("COLOR_PALETTE_DEFAULT")
        changed = tuple((i, colour) for i, colour in enumerate(now) if colour != fresh[i]) if now != fresh else ()
        return Palette(
            foreground=self._colour("COLOR_FOREGROUND"),
            background=self._colour("COLOR_BACKGROUND"),
            cursor=self._colour("COLOR_CURSOR"),
            numbered=changed,
        )

    def _colours(self, data: str) -> list[tuple[int, int, int]]:
        out = ffi.new("GhosttyColorRgb[256]")
        check(lib.ghostty_terminal_get(self._terminal, getattr(lib, f"GHOSTTY_TERMINAL_DATA_{data}"), out), data)
        raw = ffi.buffer(out)[:]
        return [(raw[i], raw[i + 1], raw[i + 2]) for i in range(0, len(raw), 3)]

    def _colour(self, data: str) -> tuple[int, int, int] | None:
        out = ffi.new("GhosttyColorRgb *")
        number = getattr(lib, f"GHOSTTY_TERMINAL_DATA_{data}")
        if lib.ghostty_terminal_get(self._terminal, number, out) != 0:  # GHOSTTY_NO_VALUE: the terminal's own
            return None
        return (int(out.r), int(out.g), int(out.b))

    def _unfinished(self) -> bytes:
        buffer, length = ffi.new("uint8_t[]", _UNFINISHED_BYTES + 16), ffi.new("size_t *")
        if lib.ghostty_terminal_continuation_buf(self._terminal, buffer, len(buffer), length) != 0:
            return b""
        return bytes(ffi.buffer(buffer, length[0])[:])

    def _state(self) -> dict[str, Any]:
        """What the next character will look like and where lines scroll: said by the library behind a single cell."""
        selection = sized("GhosttySelection")
        for ref in (selection.start, selection.end):
            self._reader.place(0, 0, ffi.addressof(ref))
        options = sized("GhosttyFormatterTerminalOptions")
        options.emit = lib.GHOSTTY_FORMATTER_FORMAT_VT
        options.selection = selection
        options.extra.scrolling_region = options.extra.keyboard = True
        extra = options.extra.screen
        extra.cursor = extra.style = extra.hyperlink = extra.protection = extra.kitty_keyboard = extra.charsets = True
        return _read_state(self._format(options))

    def _format(self, options: Any) -> bytes:
        formatter, length = ffi.new("GhosttyFormatter *"), ffi.new("size_t *")
        check(lib.ghostty_formatter_terminal_new(ffi.NULL, formatter, self._terminal, options[0]), "formatter")
        try:
            lib.ghostty_formatter_format_buf(formatter[0], ffi.NULL, 0, length)
            buffer = ffi.new("uint8_t[]", max(int(length[0]), 1))
            check(lib.ghostty_formatter_format_buf(formatter[0], buffer, len(buffer), length), "format")
        finally:
            lib.ghostty_formatter_free(formatter[0])
        return bytes(ffi.buffer(buffer, length[0])[:])


def _read_state(text: bytes) -> dict[str, Any]:
    found = _STATE.search(text)
    if found is None:
        return {}
    top, bottom, left, right, keys, pen = found.groups()
    pen = pen[max(pen.rfind(_PLAIN), 0) :]  # before it, the last character again when the cursor waits behind it
    kitty = _KITTY.search(pen)
    return {
        "region": (int(top), int(bottom)) if top else None,
        "margins": (int(left), int(right)) if left else None,
        "modify_keys": int(keys or 0),
        "kitty_flags": int(kitty[1]) if kitty else 0,
        "pen": _KITTY.sub(b"", pen),
    }
