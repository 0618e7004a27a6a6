"""The scanner's state as bytes, small enough for the ring header. Owns the form; the scanner owns the meaning.

A checksum, then MessagePack. The bytes may be torn (a daemon killed while it stored them) or written by another
version; both read as None, and then nothing is known about the terminal.
"""

from __future__ import annotations

import zlib

import msgspec

from roost.core.kitty import KittyKeys
from roost.core.modes import SWITCHES, TerminalModes
from roost.core.shell_marks import ShellMarks

VERSION = 1
#: What the ring header has room for.
MAX_BYTES = 3072
_CHECKSUM_BYTES = 4


class ModesState(msgspec.Struct, array_like=True):
    """TerminalModes, field by field."""

    changed: list[int]
    mouse: int
    encoding: int
    alternate: int
    alternate_at: int
    kitty: list[list[int]]
    kitty_alternate: list[list[int]]
    not_utf8: bool
    modify_keys: int
    cursor_shape: int
    charsets: list[bytes]
    shift: int
    coloured: bool
    region: tuple[int, int] | None
    region_stands: bool
    rows: int


class MarksState(msgspec.Struct, array_like=True):
    """ShellMarks, field by field."""

    count: int
    last: str
    exit_code: int | None
    command: str
    prompt_at: int | None
    output_at: int | None
    finished_at: int | None


class ScannerState(msgspec.Struct, array_like=True):
    """Everything a scanner needs to go on. offset: absolute; tail: the beginning of a sequence that is not complete."""

    version: int
    offset: int
    tail: bytes
    passthrough: bool
    uncertain: bool
    title: str
    titles: list[str]
    cwd: str
    modes: ModesState
    marks: MarksState
    colours: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ScannerState)


def encode_state(state: ScannerState) -> bytes:
    """The bytes to store."""
    body = _encoder.encode(state)
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "little") + body


def decode_state(data: bytes) -> ScannerState | None:
    """The state, or None when the bytes are torn or of another version."""
    body = data[_CHECKSUM_BYTES:]
    if zlib.crc32(body) != int.from_bytes(data[:_CHECKSUM_BYTES], "little"):
        return None
    try:
        state = _decoder.decode(body)
    except msgspec.MsgspecError:
        return None
    return state if state.version == VERSION else None


def describe_modes(modes: TerminalModes) -> ModesState:
    """The modes as data."""
    return ModesState(
        changed=sorted(modes.changed),
        mouse=modes.mouse,
        encoding=modes.encoding,
        alternate=modes.alternate,
        alternate_at=modes.alternate_at,
        kitty=[modes.kitty.flags, modes.kitty.pushed_at],
        kitty_alternate=[modes.kitty_alternate.flags, modes.kitty_alternate.pushed_at],
        not_utf8=modes.not_utf8,
        modify_keys=modes.modify_keys,
        cursor_shape=modes.cursor_shape,
        charsets=list(modes.charsets),
        shift=modes.shift,
        coloured=modes.coloured,
        region=modes.region,
        region_stands=modes.region_stands,
        rows=modes.rows,
    )


def recall_modes(state: ModesState) -> TerminalModes:
    """The modes from data."""
    modes = TerminalModes()
    modes.changed = {number for number in state.changed if number in SWITCHES}
    modes.mouse, modes.encoding = state.mouse, state.encoding
    modes.alternate, modes.alternate_at = state.alternate, state.alternate_at
    modes.kitty, modes.kitty_alternate = _recall_keys(state.kitty), _recall_keys(state.kitty_alternate)
    modes.not_utf8, modes.coloured = state.not_utf8, state.coloured
    modes.modify_keys, modes.cursor_shape, modes.shift = state.modify_keys, state.cursor_shape, state.shift
    modes.charsets = tuple(state.charsets)
    modes.region, modes.region_stands, modes.rows = state.region, state.region_stands, state.rows
    return modes


def _recall_keys(state: list[list[int]]) -> KittyKeys:
    keys = KittyKeys()
    keys.flags, keys.pushed_at = state
    return keys


def describe_marks(marks: ShellMarks) -> MarksState:
    """The shell marks as data."""
    return MarksState(**{name: getattr(marks, name) for name in ShellMarks.__slots__})


def recall_marks(state: MarksState) -> ShellMarks:
    """The shell marks from data."""
    marks = ShellMarks()
    for name in ShellMarks.__slots__:
        setattr(marks, name, getattr(state, name))
    return marks
