"""The words that daemon and keeper exchange: message types, tags, and their form. Pure; both sides import it.

A packet is a header (protocol version, type, sequence number) and a body of fields (see `tlv`). An answer has the
request's type with the top bit set and its sequence number; a notice has sequence number 0. Types and tags are only
ever added. `HANGUP` is frozen: its header alone means that the daemon leaves in an orderly way, in every version.
"""

from __future__ import annotations

import struct

from roost.errors import ProtocolError
from roost.keeper.tlv import decode_double, decode_integer, encode_fields, split_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.keeper.tlv import Fields

VERSION = 1
MIN_VERSION = 1
FEATURES = ("holds", "pin", "upgrade", "restart", "env-block", "readers", "inputs", "guests")
#: What a keeper has besides whose draining threads have a pump: guests are served whatever there is to send them.
PUMP_FEATURES = ("pump",)

#: A packet above this travels as a sealed memory file.
MAX_PACKET_BYTES = 65536
MAX_BODY_BYTES = 16 << 20
MAX_FDS = 8
MAX_BLOB_BYTES = 65536

REPLY = 0x8000

# Requests.
HELLO = 1
SPAWN = 2
SET_BLOB = 3
LIST = 4
FETCH = 5
CLOSE_STDIN = 6
RELEASE_HOLD = 7
SIGNAL = 8
DROP = 9
PING = 10
UPGRADE = 11
PIN = 12
SHUTDOWN = 13
ADD_READER = 14
HANGUP = 15
DROP_READER = 16
DROP_INPUT = 17
ADD_GUEST = 18
DROP_GUEST = 19

# Notices.
EXITED = 32
STREAM_CLOSED = 33
UPGRADED = 34

# Tags.
T_VERSION = 1
T_MIN_VERSION = 2
T_FEATURE = 3
T_BOOT_ID = 4
T_PID = 5
T_ROLE = 6
T_ARG = 7
T_ENV = 8
T_CWD = 9
T_ID = 10
T_BLOB = 11
T_KEY = 12
T_KIND = 13
T_ROWS = 14
T_COLS = 15
T_RING_BYTES = 16
T_UMASK = 17
T_RLIMIT = 18
T_EXISTING = 19
T_CREATED_AT = 20
T_EXITED_AT = 21
T_CODE = 22
T_SIGNAL = 23
T_STATE = 24
T_STREAM = 25
T_SIGNO = 26
T_SCOPE = 27
T_ON = 28
T_AFTER = 29
T_LIMIT = 30
T_MORE = 31
T_ENTRY = 32
T_ERROR_KIND = 33
T_ERROR_TEXT = 34
T_MEMFD = 35
T_FORCE = 36
T_START_TICKS = 37
T_RESTART = 38
T_TTY = 39
T_STDIN_OPEN = 40
T_TTY_NR = 41
T_RESTART_ARG = 42
T_RESTART_ENV = 43
T_LOG_PATH = 44
T_CLOSED_STREAM = 45
T_EXE = 46
T_ENV_BLOCK = 47  # all of T_ENV in one field, each entry ended by a NUL byte
T_HELD_STREAM = 48  # a stream whose ring is held from its first byte on, until the daemon moves the hold
T_READER = 49  # a local reader's number
T_INPUT = 50  # in ADD_READER and its answer: with an input; in an entry: the number of a reader with one
T_TAKEN = 51  # how many bytes of an input the terminal has taken
T_GUEST = 52  # the number of a client whose connection may be lent; in an entry: is lent just now

_HEADER = struct.Struct("<HHI")
HEADER_BYTES = _HEADER.size


class Message:
    """One message: type, sequence number, and the fields by tag. Getters raise ProtocolError on a malformed field."""

    __slots__ = ("fds", "fields", "seq", "type")

    def __init__(self, type: int, seq: int, fields: dict[int, list[bytes]]) -> None:
        self.type = type
        self.seq = seq
        self.fields = fields
        self.fds: list[int] = []  # that came with a request, for as long as it is handled

    def blob(self, tag: int, default: bytes = b"") -> bytes:
        """The first field of that tag, as bytes."""
        values = self.fields.get(tag)
        return values[0] if values else default

    def text(self, tag: int, default: str = "") -> str:
        """The first field of that tag as text; bytes that are not UTF-8 become U+FFFD."""
        values = self.fields.get(tag)
        return values[0].decode("utf-8", "replace") if values else default

    def u64(self, tag: int, default: int = 0) -> int:
        """The first field of that tag, as an unsigned integer."""
        values = self.fields.get(tag)
        return decode_integer(values[0]) if values else default

    def i64(self, tag: int, default: int | None = None) -> int | None:
        """The first field of that tag, as a signed integer."""
        values = self.fields.get(tag)
        return decode_integer(values[0], signed=True) if values else default

    def f64(self, tag: int, default: float = 0.0) -> float:
        """The first field of that tag, as a float."""
        values = self.fields.get(tag)
        return decode_double(values[0]) if values else default

    def list(self, tag: int) -> list[bytes]:
        """All fields of that tag."""
        return self.fields.get(tag, [])

    def has(self, tag: int) -> bool:
        """Whether the tag is there at all."""
        return tag in self.fields


def encode(type: int, seq: int, fields: Fields = ()) -> bytes:
    """The packet of a message, whatever its length; the transport decides how it travels."""
    return _HEADER.pack(VERSION, type, seq) + encode_fields(fields)


def decode(packet: bytes) -> Message:
    """The message in a packet. Raises ProtocolError when it is malformed."""
    type, seq = decode_header(packet)
    return Message(type, seq, split_fields(packet[HEADER_BYTES:]))


def decode_header(packet: bytes) -> tuple[int, int]:
    """Type and sequence number. The header has the same form in every version, so its version is not judged here."""
    if len(packet) < HEADER_BYTES:
        raise ProtocolError(f"malformed keeper message: {len(packet)} bytes, a header has {HEADER_BYTES}")
    _version, type, seq = _HEADER.unpack_from(packet)
    return type, seq


def decode_fields(body: bytes) -> Message:
    """A nested body (T_ENTRY) as a message of no type."""
    return Message(0, 0, split_fields(body))
