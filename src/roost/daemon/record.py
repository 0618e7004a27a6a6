"""What the daemon entrusts to the keeper about a session: the blob from which a new daemon rebuilds everything.

Owns the form of the blob: a line of versioned, additive JSON, then the launch part as it is. The keeper never looks
into it. Encoding is on the way of every spawn, so it is kept cheap.
"""

from __future__ import annotations

import json
import operator
import os
import zlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from roost.daemon.environment import block_of

RECORD_VERSION = 1
#: What the keeper takes as a blob.
BLOB_MAX_BYTES = 64 * 1024
#: A launch part above this is compressed.
COMPRESS_BYTES = 16 * 1024
_PLAIN, _COMPRESSED = b"p", b"z"
#: Made once: `json.dumps` with separators makes an encoder a call.
_encoded = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(slots=True)
class Launch:
    """What a session was started with, byte for byte."""

    argv: list[bytes]
    cwd: bytes
    env: list[tuple[bytes, bytes]]
    umask: int | None = None
    limits: list[tuple[str, int | None]] = field(default_factory=list)

    def pack(self, env_block: bytes | None = None) -> bytes:
        """NUL-separated; compressed when long (environments are alike). `env_block`: `env` so, if there is that."""
        parts = [
            b"%d" % len(self.argv),
            *self.argv,
            self.cwd,
            b"" if self.umask is None else b"%d" % self.umask,
            b" ".join([b"%s=%s" % (n.encode(), b"unlimited" if v is None else b"%d" % v) for n, v in self.limits]),
        ]
        if self.env:
            parts.append(block_of(self.env) if env_block is None else env_block)
        plain = b"\0".join(parts)
        return _PLAIN + plain if len(plain) < COMPRESS_BYTES else _COMPRESSED + zlib.compress(plain, 1)

    @classmethod
    def unpack(cls, data: bytes) -> Launch:
        """The reverse of `pack`."""
        plain = data[1:] if data.startswith(_PLAIN) else zlib.decompress(data[1:])
        parts = plain.split(b"\0")
        count = int(parts[0])
        argv, (cwd, umask, limits), env = parts[1 : count + 1], parts[count + 1 : count + 4], parts[count + 4 :]
        pairs = [item.partition(b"=") for item in limits.split()]
        return cls(
            argv=argv,
            cwd=cwd,
            env=[(key, value) for key, _, value in (item.partition(b"=") for item in env)],
            umask=int(umask) if umask else None,
            limits=[(name.decode(), None if value == b"unlimited" else int(value)) for name, _, value in pairs],
        )


@dataclass(slots=True)
class Ticket:
    """An extended attachment as it survives the daemon: who may come back, and what is kept for it meanwhile."""

    token: str
    mode: str
    stream: str
    lossless: bool
    label: str
    reader: int = 0  # the keeper's number for it, if it is one that reads locally


@dataclass(slots=True)
class TeeRecord:
    """A tee as it survives the daemon. `size`, `offset`, `gap_to` are a place as `roost.core.tee` explains it."""

    handle: int
    stream: str
    path: str  # absolute; bytes that are not UTF-8 as surrogates
    append: bool = True
    capacity_bytes: int = 0
    markers: bool = True
    block: bool = False
    rotate_bytes: int = 0
    keep: int = 0
    device: int = 0
    inode: int = 0
    size: int = 0
    offset: int = 0
    gap_to: int | None = None
    missed: int = 0
    written: int = 0
    closed: bool = False
    error: str = ""  # why nothing more is written
    shared: bool = False  # another tee writes to the same file: its size says nothing about this one
    uncertain: bool = False
    clean: bool = False  # stdin: everything that the daemon had taken was in the file when it left

    @property
    def path_bytes(self) -> bytes:
        """The path as the system has it."""
        return os.fsencode(self.path)

    @property
    def ended(self) -> bool:
        """Whether nothing more will be written."""
        return self.closed or bool(self.error)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> TeeRecord:
        """The record of those fields; unknown ones of a newer daemon are ignored."""
        return cls(**{key: value for key, value in fields.items() if key in cls.__slots__})


@dataclass(slots=True)
class RecordingRecord:
    """A recording as it survives the daemon. How far it is stands in its file (`roost.core.recording`).

    begin: stream offset of its first byte. t0_us: the clock of recordings at its start. offset, missed: as last known.
    """

    handle: int
    path: str  # absolute; bytes that are not UTF-8 as surrogates
    stream: str = "stdout"
    input: bool = False
    hold: bool = False
    rules: list[str] = field(default_factory=list)
    common: bool = False  # the built-in rules too
    events: list[str] = field(default_factory=list)  # categories of events that become markers
    begin: int = 0
    t0_us: int = 0
    device: int = 0
    inode: int = 0
    offset: int = 0
    missed: int = 0
    dropped: int = 0  # events that are not in the file
    closed: bool = False
    error: str = ""  # why nothing more is written
    uncertain: bool = False  # a killed daemon may have taken input with it that was not in the file
    clean: bool = False  # everything that the daemon had taken was in the file when it left

    @property
    def path_bytes(self) -> bytes:
        """The path as the system has it."""
        return os.fsencode(self.path)

    @property
    def ended(self) -> bool:
        """Whether nothing more will be written."""
        return self.closed or bool(self.error)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> RecordingRecord:
        """The record of those fields; unknown ones of a newer daemon are ignored."""
        return cls(**{key: value for key, value in fields.items() if key in cls.__slots__})


@dataclass(slots=True)
class ObserverRecord:
    """A registered observer: what it wants to see, how much is kept for it, and its counters."""

    id: str
    categories: list[str]
    capacity: int
    block: bool
    delivered: int = 0
    missed: int = 0
    since: str = ""  # the last event before it was registered

    @classmethod
    def of(cls, fields: dict[str, Any]) -> ObserverRecord:
        """The record of those fields; unknown ones of a newer daemon are ignored."""
        return cls(**{key: value for key, value in fields.items() if key in cls.__slots__})


@dataclass(slots=True)
class SessionRecord:
    """Everything about a session that neither the keeper's own fields nor the ring header hold."""

    name: str
    kind: str
    command: str
    cwd: str
    originator: str
    argv: list[str]
    launch: bytes = b""
    term: str = ""
    size_policy: str = "latest"
    labels: dict[str, str] = field(default_factory=dict)
    spawn_id: str = ""
    ring_bytes: int = 0
    merged: bool = False
    rows: int = 0
    cols: int = 0
    terminate_at: float | None = None  # Unix seconds of the terminate call
    terminate_grace_s: float = 0.0
    terminate_hard: bool = False
    tickets: list[Ticket] = field(default_factory=list)
    tees: list[TeeRecord] = field(default_factory=list)
    observers: list[ObserverRecord] = field(default_factory=list)
    recordings: list[RecordingRecord] = field(default_factory=list)
    brought: dict[str, str] = field(default_factory=dict)  # what the last client told of where it sits
    brought_at: float | None = None
    service: str = ""  # whose run it is
    v1: bool = False  # started without the extension: nothing but the child's own terminal answers it
    options: dict[str, Any] = field(default_factory=dict)  # of the areas around a session, by area
    next_tee: int = 1  # handles are never used twice in a session

    def encode(self) -> bytes:
        """The blob. A launch part that does not fit is left out (the session then cannot be restarted)."""
        fields = dict(zip(_ENCODED, _encoded_of(self), strict=True))
        fields["v"] = RECORD_VERSION
        for name in ("tickets", "tees", "observers", "recordings"):
            if fields[name]:
                fields[name] = [_fields(entry) for entry in fields[name]]
        blob = _line(fields) + self.launch
        if len(blob) > BLOB_MAX_BYTES:
            blob = _line(fields)
        if len(blob) > BLOB_MAX_BYTES:
            fields["argv"] = [arg[:200] for arg in self.argv[:50]]
            fields["command"] = self.command[:4096]
            blob = _line(fields)
        return blob

    @classmethod
    def decode(cls, blob: bytes) -> SessionRecord:
        """The record of that blob; unknown fields of a newer daemon are ignored, missing ones have their default."""
        line, _, launch = blob.partition(b"\n")
        fields = json.loads(line)
        known = {key: value for key, value in fields.items() if key in cls.__slots__}
        known["launch"] = launch
        known["tickets"] = [Ticket(**ticket) for ticket in fields.get("tickets", [])]
        known["tees"] = [TeeRecord.of(tee) for tee in fields.get("tees", [])]
        known["observers"] = [ObserverRecord.of(observer) for observer in fields.get("observers", [])]
        known["recordings"] = [RecordingRecord.of(recording) for recording in fields.get("recordings", [])]
        return cls(**known)


_ENCODED = tuple(name for name in SessionRecord.__slots__ if name != "launch")
#: All of them at once, since every start is encoded.
_encoded_of = operator.attrgetter(*_ENCODED)


def _fields(record: Ticket | TeeRecord | ObserverRecord | RecordingRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _line(fields: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(fields) + b"\n"
    except UnicodeEncodeError:  # a path that is not UTF-8
        return _encoded(fields).encode() + b"\n"
