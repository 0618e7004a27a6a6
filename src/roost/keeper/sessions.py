"""What the keeper remembers: sessions, their streams, and how they are described to the daemon.

Owns the records and nothing that acts on them: who drains, reaps or answers is decided elsewhere.
"""

from __future__ import annotations

from roost.keeper import messages as m

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.keeper.guests import Guest
    from roost.keeper.inputs import Mouth
    from roost.keeper.readers import Reader
    from roost.keeper.tlv import Value
    from roost.ring.writer import RingWriter

KINDS = ("pty", "pipe", "merged")


class Stream:
    """One output stream: where it is read, where it is written, and which thread does it.

    `fd` is None once closed, which only the control thread does: it alone hands descriptors out. The fields below the
    blank line belong to the draining thread.
    """

    __slots__ = (
        "event_fd",
        "exit_budget",
        "exit_deadline",
        "fd",
        "finishing",
        "floods",
        "guest",
        "guests",
        "is_parked",
        "is_pty",
        "is_pumped",
        "is_ready",
        "late",
        "mouth",
        "name",
        "pending",
        "readers",
        "retry_at",
        "retry_delay_s",
        "ring_fd",
        "session_id",
        "thread_index",
        "writer",
    )

    def __init__(
        self,
        session_id: str,
        name: str,
        fd: int | None,
        ring_fd: int,
        event_fd: int,
        writer: RingWriter,
        *,
        is_pty: bool,
    ) -> None:
        self.session_id = session_id
        self.name = name
        self.fd = fd
        self.ring_fd = ring_fd
        self.event_fd = event_fd
        self.writer = writer
        self.is_pty = is_pty
        self.thread_index = -1
        #: Replaced as a whole by the control thread, read by the draining one.
        self.readers: tuple[Reader, ...] = ()
        self.guests: tuple[Guest, ...] = ()
        #: What local readers type comes through this; set once, before the draining thread hears of it.
        self.mouth: Mouth | None = None

        self.guest: Guest | None = None  # whose connection is lent just now
        self.is_ready = False  # on the thread's ready list
        self.is_pumped = False  # served by the thread's pump, which leaves it when it is no plain case any more
        self.floods = 0  # not 0: the last look at it gave as much as a read takes (when: see `Floods`)
        self.is_parked = False  # waits for room or memory; edges are ignored meanwhile
        self.pending = b""  # read, but the ring's memory could not be had yet
        self.retry_at = 0.0
        self.retry_delay_s = 0.0
        self.finishing = False  # the child has exited; the exit offset is not marked yet
        self.exit_deadline = 0.0
        self.exit_budget = 0
        self.late = False  # the exit offset is marked; whoever still holds the stream may go on writing


class ExitStatus:
    """How a child ended. Neither code nor signal: unknown, and never reported as anything else."""

    __slots__ = ("at", "code", "signal")

    def __init__(self, code: int | None, signal: int | None, at: float) -> None:
        self.code = code
        self.signal = signal
        self.at = at


class Session:
    """One child and its streams."""

    __slots__ = (
        "blob",
        "created_at",
        "exit",
        "id",
        "is_exited",
        "is_pinned",
        "is_reaped",
        "key",
        "kind",
        "marks_missing",
        "pid",
        "start_ticks",
        "stdin_fd",
        "streams",
        "tty",
        "tty_nr",
    )

    def __init__(self, id: str, key: str, kind: str, pid: int, created_at: float) -> None:
        self.id = id
        self.key = key
        self.kind = kind
        self.pid = pid
        self.created_at = created_at
        self.blob = b""
        self.start_ticks = 0
        self.tty = ""
        self.tty_nr = 0
        self.stdin_fd: int | None = None  # pipes only; a PTY's input is its master
        self.streams: list[Stream] = []
        self.exit: ExitStatus | None = None  # the status is known; output may still be on its way
        self.marks_missing = 0  # streams whose exit offset is not marked yet
        self.is_exited = False  # every stream is marked: the daemon may be told
        self.is_pinned = False
        self.is_reaped = False

    def input_fd(self) -> int | None:
        """Where input for the child is written, while there is such a thing."""
        return self.streams[0].fd if self.kind == "pty" else self.stdin_fd


def describe(session: Session) -> list[tuple[int, Value]]:
    """The fields that tell a daemon everything about a session: those of FETCH, SPAWN's answer and LIST's entries."""
    fields: list[tuple[int, Value]] = [
        (m.T_ID, session.id),
        (m.T_PID, session.pid),
        (m.T_KIND, session.kind),
        (m.T_STATE, "exited" if session.is_exited else "running"),
        (m.T_CREATED_AT, session.created_at),
        (m.T_START_TICKS, session.start_ticks),
    ]
    if session.key:
        fields.append((m.T_KEY, session.key))
    if session.tty:
        fields += [(m.T_TTY, session.tty), (m.T_TTY_NR, session.tty_nr)]
    if session.is_exited:
        fields += describe_exit(session)
    if session.input_fd() is not None:
        fields.append((m.T_STDIN_OPEN, 1))
    fields += [(m.T_CLOSED_STREAM, stream.name) for stream in session.streams if stream.writer.closed]
    for stream in session.streams:
        fields += [(m.T_INPUT, reader.id) for reader in stream.readers if reader.types]
        fields += [(m.T_GUEST, guest.id) for guest in stream.guests if guest.is_lent]
    fields.append((m.T_BLOB, session.blob))
    return fields


def describe_exit(session: Session) -> list[tuple[int, Value]]:
    """How the child ended; without T_CODE and T_SIGNAL nobody knows."""
    status = session.exit
    if status is None:
        return []
    fields: list[tuple[int, Value]] = [(m.T_EXITED_AT, status.at)]
    if status.code is not None:
        fields.append((m.T_CODE, status.code))
    if status.signal is not None:
        fields.append((m.T_SIGNAL, status.signal))
    return fields


def descriptors(session: Session, room_events: list[int]) -> list[int]:
    """The descriptors that go with `describe`, in the protocol's order; `room_events` are the threads' eventfds."""
    fds: list[int] = []
    input_fd = session.input_fd()
    if input_fd is not None:
        fds.append(input_fd)
    for stream in session.streams:
        fds += (stream.ring_fd, stream.event_fd)
    fds.append(room_events[session.streams[0].thread_index])
    return fds
