"""The values that requests are made of and responses decode to; knows nothing of how they travel."""

from __future__ import annotations

from roost.wire.record import Record

TYPE_CHECKING = False  # typing itself is not imported: that would cost more than this package
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TeeOptions(Record):
    """A copy of a stream in a file: the path as bytes, the rest as the daemon's `TeeSpec` explains it."""

    __slots__ = (  # noqa: RUF023 (a Record unpacks in this order)
        "path",
        "stream",
        "append",
        "capacity_bytes",
        "markers",
        "block",
        "rotate_bytes",
        "keep",
    )

    def __init__(
        self,
        path: bytes,
        *,
        stream: str = "stdout",
        append: bool = True,
        capacity_bytes: int = 0,
        markers: bool = True,
        block: bool = False,
        rotate_bytes: int = 0,
        keep: int = 0,
    ) -> None:
        self.path = path
        self.stream = stream
        self.append = append
        self.capacity_bytes = capacity_bytes
        self.markers = markers
        self.block = block
        self.rotate_bytes = rotate_bytes
        self.keep = keep


class SpawnOptions(Record):
    """What to start and how. Only `argv` is needed; None means that the daemon decides.

    `env` holds KEY=VALUE entries, each ended by a NUL byte, laid over the base that `environment_policy` names (1 the
    daemon's, 2 a login's, 3 empty).
    `options` is a JSON object of what the areas around a session are asked for, by area.
    `limits` are pairs of a resource and its soft limit, None for unlimited. Rows and columns of 0 are the daemon's
    default; both apply to terminals, `merge_stderr` to pipes.
    """

    __slots__ = (  # noqa: RUF023 (a Record unpacks in this order)
        "argv",
        "cwd",
        "env",
        "environment_policy",
        "pipe",
        "merge_stderr",
        "rows",
        "cols",
        "originator",
        "spawn_id",
        "name",
        "ring_bytes",
        "size_policy",
        "labels",
        "term",
        "umask",
        "limits",
        "tees",
        "required_features",
        "options",
    )

    def __init__(
        self,
        argv: Sequence[bytes],
        *,
        cwd: bytes | None = None,
        env: bytes = b"",
        environment_policy: int = 3,
        pipe: bool = False,
        merge_stderr: bool = False,
        rows: int = 0,
        cols: int = 0,
        originator: str = "",
        spawn_id: str | None = None,
        name: str | None = None,
        ring_bytes: int | None = None,
        size_policy: str | None = None,
        labels: Iterable[tuple[str, str]] = (),
        term: str | None = None,
        umask: int | None = None,
        limits: Iterable[tuple[str, int | None]] = (),
        tees: Iterable[TeeOptions] = (),
        required_features: Sequence[str] = (),
        options: bytes = b"",
    ) -> None:
        self.argv = tuple(argv)
        self.cwd = cwd
        self.env = env
        self.environment_policy = environment_policy
        self.pipe = pipe
        self.merge_stderr = merge_stderr
        self.rows = rows
        self.cols = cols
        self.originator = originator
        self.spawn_id = spawn_id
        self.name = name
        self.ring_bytes = ring_bytes
        self.size_policy = size_policy
        self.labels = tuple(labels)
        self.term = term
        self.umask = umask
        self.limits = tuple(limits)
        self.tees = tuple(tees)
        self.required_features = tuple(required_features)
        self.options = options


class AttachOptions(Record):
    """What to attach to and how; None means that the daemon decides.

    `target` is anything that names a session, "" the latest. `stream` is None for a terminal, "stdout" or "stderr" for
    a pipe session; size, `term` and `tty` apply to terminals. `mode` is exclusive, share or view. `env` tells where
    the client sits: KEY=VALUE entries, each ended by a NUL byte. `local` asks for the ring itself in place of output
    frames, `local_input` for a way of its own to the terminal besides.
    """

    __slots__ = (  # noqa: RUF023 (a Record unpacks in this order)
        "target",
        "stream",
        "rows",
        "cols",
        "steal",
        "term",
        "tty",
        "from_offset",
        "tail_bytes",
        "mode",
        "lossless",
        "label",
        "restore",
        "resume_token",
        "env",
        "required_features",
        "local",
        "local_input",
    )

    def __init__(
        self,
        target: str = "",
        *,
        stream: str | None = None,
        rows: int = 0,
        cols: int = 0,
        steal: bool = False,
        term: str = "",
        tty: bool = False,
        from_offset: int | None = None,
        tail_bytes: int | None = None,
        mode: str | None = None,
        lossless: bool | None = None,
        label: str | None = None,
        restore: str | None = None,
        resume_token: bytes | None = None,
        env: bytes | None = None,
        required_features: Sequence[str] = (),
        local: bool = False,
        local_input: bool = False,
    ) -> None:
        self.target = target
        self.stream = stream
        self.rows = rows
        self.cols = cols
        self.steal = steal
        self.term = term
        self.tty = tty
        self.from_offset = from_offset
        self.tail_bytes = tail_bytes
        self.mode = mode
        self.lossless = lossless
        self.label = label
        self.restore = restore
        self.resume_token = resume_token
        self.env = env
        self.required_features = tuple(required_features)
        self.local = local
        self.local_input = local_input


class Reply(Record):
    """A response: v1's code (0 is success) and message, the extension's parts, and the other payloads by number.

    `error_kind` is None where the daemon did not say one; `error_detail` and `result` are JSON.
    """

    __slots__ = (  # noqa: RUF023 (a Record unpacks in this order)
        "request_id",
        "code",
        "message",
        "error_kind",
        "result",
        "data",
        "payloads",
        "error_detail",
    )
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        request_id: int = 0,
        code: int = 0,
        message: str = "",
        error_kind: str | None = None,
        result: bytes = b"",
        data: bytes = b"",
        payloads: dict[int, bytes] | None = None,
        error_detail: bytes = b"",
    ) -> None:
        self.request_id = request_id
        self.code = code
        self.message = message
        self.error_kind = error_kind
        self.result = result
        self.data = data
        self.payloads: dict[int, bytes] = {} if payloads is None else payloads
        self.error_detail = error_detail


class Spawned(Record):
    """The answer to a spawn; `existing` says that the spawn id was known and nothing was started."""

    __slots__ = ("session_id", "pid", "created_at", "name", "existing")  # noqa: RUF023

    def __init__(
        self, session_id: str = "", pid: int = 0, created_at: float = 0.0, name: str = "", existing: bool = False
    ) -> None:
        self.session_id = session_id
        self.pid = pid
        self.created_at = created_at
        self.name = name
        self.existing = existing


class Attached(Record):
    """The answer to an attach. The first three are v1's; the others are set for extended attaches."""

    __slots__ = (  # noqa: RUF023 (a Record unpacks in this order)
        "backlog",
        "backlog_truncated",
        "bytes_missed",
        "start_offset",
        "end_offset",
        "attachment_id",
        "resume_token",
        "restore",
        "session_id",
        "name",
        "kind",
        "uncertain",
        "local",
        "restored",
    )

    def __init__(self) -> None:
        self.backlog = b""
        self.backlog_truncated = False
        self.bytes_missed = 0
        self.start_offset = 0
        self.end_offset = 0
        self.attachment_id = ""
        self.resume_token = b""
        self.restore = b""
        self.session_id = ""
        self.name = ""
        self.kind = ""
        self.uncertain = False
        self.restored = ""  # what `restore` is: screen, raw or none
        self.local = 0  # how many descriptors came with the answer
