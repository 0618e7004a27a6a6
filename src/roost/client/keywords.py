"""The keyword arguments of `spawn` and `attach`, the same for both clients and for session handles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from roost.wire.request_types import TeeOptions

Text: TypeAlias = str | bytes | os.PathLike[str]


class SpawnKeywords(TypedDict, total=False):
    """How to start a program. What is not given is the calling process's own, or the daemon's default."""

    #: The working directory; ours if not given.
    cwd: Text | None
    #: The whole environment; a snapshot of ours if not given.
    env: Mapping[str, str] | Mapping[bytes, bytes] | None
    #: Unique among live sessions; made from the command if not given.
    name: str | None
    #: Terminal size; 0 means 24 and 80.
    rows: int
    cols: int
    #: Three pipes instead of a terminal; with `merge_stderr` stderr goes into stdout.
    pipe: bool
    merge_stderr: bool
    originator: str | None
    labels: Mapping[str, str] | None
    #: Capacity of the output ring, 1 MiB if not given.
    ring_bytes: int | None
    #: "latest" (the client that typed last decides), "smallest" or "fixed".
    size_policy: str | None
    #: TERM of the session.
    term: str | None
    #: Ours if not given.
    umask: int | None
    #: Soft limits by resource name ("nofile", "core", "stack", …), None for unlimited; nofile is ours if not given.
    limits: Mapping[str, int | None] | None
    #: Files that get a copy of the output from its first byte on: paths, or `TeeOptions` for more than the default.
    tees: Sequence[Text | TeeOptions] | None
    #: What the areas around a session (recording, observing, …) are asked for, by area; docs/client.md lists them.
    options: Mapping[str, Any] | None
    #: The same id twice gives the first session; made up if not given.
    spawn_id: str | None


class TeeKeywords(TypedDict, total=False):
    """How to copy a stream to a file."""

    #: "stdout" (the default; a terminal's output too), "stderr" or "stdin" (what the program was given).
    stream: str
    #: Append to what is there (the default), or empty the file first.
    append: bool
    #: How far the file may fall behind before the oldest bytes are left out, 0 for as far as the ring reaches.
    capacity_bytes: int
    #: Say in the file where something is missing (the default).
    markers: bool
    #: Leave nothing out: the program waits for the file instead.
    block: bool
    #: Go on in a new file at about that size, 0 for never, and keep so many old ones.
    rotate_bytes: int
    keep: int


class AttachKeywords(TypedDict, total=False):
    """How to attach."""

    #: "exclusive" (the default), "share" (types too) or "view" (read-only).
    mode: str
    #: Take it over from whoever has it.
    steal: bool
    #: Make the child wait for this client instead of leaving a gap.
    lossless: bool
    #: Where output starts: at this absolute offset, or this many bytes before the end; else all that is retained.
    from_offset: int | None
    tail_bytes: int | None
    #: The size of our terminal, taken over by the session if `tty`; 0 keeps its own.
    rows: int
    cols: int
    tty: bool
    #: Our own TERM and a name for us, shown by `roost ls` and to whoever steals.
    term: str | None
    label: str | None
    #: "raw" asks for the bytes that set the terminal's modes, see `Attachment.restore`; "none" is the default.
    restore: str
    #: "stdout" (the default) or "stderr" of a pipe session.
    stream: str
    #: The environment of whoever sits at the client: of it travels what a session's programs may follow (SSH agent,
    #: display, ...; `roost.core.refreshable`). Nothing if not given.
    env: Mapping[str, str] | Mapping[bytes, bytes] | None
    #: Read the output out of shared memory where that is possible, which is the fastest way (the default).
    local: bool
    #: Come back by itself when the daemon was restarted (the default).
    reconnect: bool


class EventKeywords(TypedDict, total=False):
    """Which events, and how; see `Client.events`."""

    #: Names of categories and of types; all if not given.
    categories: Sequence[str] | None
    types: Sequence[str] | None
    #: The last id that is known; "0.0" for all that the journal has.
    since: str | None
    #: An observer registered before.
    observer: str | None
    #: How many events wait for a slow reader, 1024 if not given.
    capacity: int | None
    #: "journal" (the default), "drop_oldest" or "block".
    policy: str | None
    #: End with the session's exit; the default with a target.
    until_exit: bool
    #: Come back by itself when the daemon was restarted (the default).
    reconnect: bool
