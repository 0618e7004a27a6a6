"""What one image of the keeper hands to the next: everything that is not in the ring headers, as fields.

Pure. Descriptors are handed over by number. Additive like the messages: a tag that the next image does not know is
skipped, one that is missing has a default.
"""

from __future__ import annotations

from roost.keeper import messages as m
from roost.keeper.inputs import Input, Mouth
from roost.keeper.readers import Reader
from roost.keeper.sessions import ExitStatus, Session, Stream
from roost.keeper.tlv import encode_fields
from roost.ring.writer import RingWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from roost.keeper.tlv import Value

S_LISTEN_PATH = 200
S_LISTEN_NAME = 201
S_LOCK = 202
S_WAKE = 203  # list
S_OPEN_FILES = 204
S_STARTED_AT = 205
S_DAEMON_PID = 206
S_DAEMON_PIDFD = 207
S_DAEMON_SOCKET = 208
S_DAEMON_LIVED_S = 209
S_REPLY_SEQ = 210
S_QUEUED = 211  # list: packets that the daemon has not read yet
S_ATTEMPTS = 212
S_SESSION = 213  # list, nested
S_STDIN = 220
S_IS_EXITED = 221
S_HAS_STATUS = 222
S_PINNED = 223
S_REAPED = 224
S_STREAM = 225  # list, nested
S_FD = 226
S_RING = 227
S_EVENT = 228
S_THREAD = 229
S_PENDING = 230
S_READER = 231  # list, nested
S_PAGE = 232
S_WAKE_END = 233
S_INPUT = 234
S_REST = 235


class State:
    """The parts of a keeper that are not sessions. Descriptors are -1 when there is none."""

    __slots__ = (
        "attempts",
        "daemon_lived_s",
        "daemon_pid",
        "daemon_pidfd",
        "daemon_socket",
        "listen_name",
        "listen_path",
        "lock_fd",
        "open_files",
        "queued",
        "reply_seq",
        "restart_argv",
        "restart_cwd",
        "restart_env",
        "restart_log",
        "sessions",
        "started_at",
        "wake_fds",
    )

    def __init__(self) -> None:
        self.listen_path = self.listen_name = self.lock_fd = -1
        self.wake_fds: list[int] = []
        self.open_files = 1024
        self.started_at = 0.0
        self.daemon_pid = 0
        self.daemon_pidfd = self.daemon_socket = -1
        self.daemon_lived_s = 0.0
        self.reply_seq = 0
        self.queued: list[bytes] = []
        self.attempts = 0
        self.restart_argv: list[bytes] = []
        self.restart_env: list[bytes] = []
        self.restart_cwd = b"/"
        self.restart_log = b""
        self.sessions: list[Session] = []

    def descriptors(self) -> list[int]:
        """Every descriptor that must survive."""
        fds = [self.listen_path, self.listen_name, self.lock_fd, self.daemon_pidfd, self.daemon_socket, *self.wake_fds]
        for session in self.sessions:
            fds.append(-1 if session.stdin_fd is None else session.stdin_fd)
            for stream in session.streams:
                fds += (-1 if stream.fd is None else stream.fd, stream.ring_fd, stream.event_fd)
                for reader in stream.readers:
                    fds += (reader.page_fd, reader.wake_fd)
                    if reader.input is not None and reader.input.is_open:
                        fds.append(reader.input.fd)
        return [fd for fd in fds if fd >= 0]


def encode_state(state: State) -> bytes:
    """The state as one body of fields."""
    return encode_fields(_state_fields(state))


def _state_fields(state: State) -> Iterator[tuple[int, Value]]:
    yield S_LISTEN_PATH, state.listen_path
    yield S_LISTEN_NAME, state.listen_name
    yield S_LOCK, state.lock_fd
    yield S_OPEN_FILES, state.open_files
    yield S_STARTED_AT, state.started_at
    yield S_DAEMON_PID, state.daemon_pid
    yield S_DAEMON_PIDFD, state.daemon_pidfd
    yield S_DAEMON_SOCKET, state.daemon_socket
    yield S_DAEMON_LIVED_S, state.daemon_lived_s
    yield S_REPLY_SEQ, state.reply_seq
    yield S_ATTEMPTS, state.attempts
    yield m.T_CWD, state.restart_cwd
    yield m.T_LOG_PATH, state.restart_log
    for tag, values in (
        (m.T_RESTART_ARG, state.restart_argv),
        (m.T_RESTART_ENV, state.restart_env),
        (S_QUEUED, state.queued),
    ):
        for value in values:
            yield tag, value
    for fd in state.wake_fds:
        yield S_WAKE, fd
    for session in state.sessions:
        yield S_SESSION, encode_fields(_session_fields(session))


def _session_fields(session: Session) -> Iterator[tuple[int, Value]]:
    yield m.T_ID, session.id
    yield m.T_KEY, session.key
    yield m.T_KIND, session.kind
    yield m.T_PID, session.pid
    yield m.T_CREATED_AT, session.created_at
    yield m.T_START_TICKS, session.start_ticks
    yield m.T_BLOB, session.blob
    yield m.T_TTY, session.tty
    yield m.T_TTY_NR, session.tty_nr
    yield S_STDIN, -1 if session.stdin_fd is None else session.stdin_fd
    yield S_IS_EXITED, int(session.is_exited)
    yield S_PINNED, int(session.is_pinned)
    yield S_REAPED, int(session.is_reaped)
    if session.exit is not None:
        yield S_HAS_STATUS, 1
        yield m.T_EXITED_AT, session.exit.at
        if session.exit.code is not None:
            yield m.T_CODE, session.exit.code
        if session.exit.signal is not None:
            yield m.T_SIGNAL, session.exit.signal
    for stream in session.streams:
        yield S_STREAM, encode_fields(_stream_fields(stream))


def _stream_fields(stream: Stream) -> Iterator[tuple[int, Value]]:
    yield m.T_STREAM, stream.name
    yield S_FD, -1 if stream.fd is None else stream.fd
    yield S_RING, stream.ring_fd
    yield S_EVENT, stream.event_fd
    yield S_THREAD, stream.thread_index
    yield S_PENDING, stream.pending
    for reader in stream.readers:
        yield S_READER, encode_fields(_reader_fields(reader))


def _reader_fields(reader: Reader) -> Iterator[tuple[int, Value]]:
    yield m.T_READER, reader.id
    yield S_PAGE, reader.page_fd
    yield S_WAKE_END, reader.wake_fd
    if reader.input is not None and reader.input.is_open:
        yield S_INPUT, reader.input.fd
        yield m.T_TAKEN, reader.input.taken
        yield S_REST, reader.input.rest


def decode_state(body: bytes) -> State:
    """The state that an earlier image wrote. Raises ProtocolError if it is malformed, ValueError for a bad ring."""
    fields = m.decode_fields(body)
    state = State()
    state.listen_path = _fd(fields, S_LISTEN_PATH)
    state.listen_name = _fd(fields, S_LISTEN_NAME)
    state.lock_fd = _fd(fields, S_LOCK)
    state.open_files = fields.u64(S_OPEN_FILES, 1024)
    state.started_at = fields.f64(S_STARTED_AT)
    state.daemon_pid = fields.u64(S_DAEMON_PID)
    state.daemon_pidfd = _fd(fields, S_DAEMON_PIDFD)
    state.daemon_socket = _fd(fields, S_DAEMON_SOCKET)
    state.daemon_lived_s = fields.f64(S_DAEMON_LIVED_S)
    state.reply_seq = fields.u64(S_REPLY_SEQ)
    state.attempts = fields.u64(S_ATTEMPTS)
    state.restart_cwd = fields.blob(m.T_CWD, b"/")
    state.restart_log = fields.blob(m.T_LOG_PATH)
    state.restart_argv = fields.list(m.T_RESTART_ARG)
    state.restart_env = fields.list(m.T_RESTART_ENV)
    state.queued = fields.list(S_QUEUED)
    state.wake_fds = [int.from_bytes(value, "little") for value in fields.list(S_WAKE)]
    state.sessions = [_decode_session(m.decode_fields(entry)) for entry in fields.list(S_SESSION)]
    return state


def _fd(fields: m.Message, tag: int) -> int:
    fd = fields.i64(tag)
    return -1 if fd is None else fd


def _fd_or_none(fields: m.Message, tag: int) -> int | None:
    fd = _fd(fields, tag)
    return fd if fd >= 0 else None


def _decode_session(fields: m.Message) -> Session:
    id, key = (fields.blob(tag).decode("utf-8", "surrogateescape") for tag in (m.T_ID, m.T_KEY))
    session = Session(id, key, fields.text(m.T_KIND), fields.u64(m.T_PID), fields.f64(m.T_CREATED_AT))
    session.start_ticks = fields.u64(m.T_START_TICKS)
    session.blob = fields.blob(m.T_BLOB)
    session.tty = fields.text(m.T_TTY)
    session.tty_nr = fields.u64(m.T_TTY_NR)
    session.stdin_fd = _fd_or_none(fields, S_STDIN)
    session.is_exited = fields.u64(S_IS_EXITED) == 1
    session.is_pinned = fields.u64(S_PINNED) == 1
    session.is_reaped = fields.u64(S_REAPED) == 1
    if fields.u64(S_HAS_STATUS):
        signal = fields.i64(m.T_SIGNAL)
        session.exit = ExitStatus(fields.i64(m.T_CODE), signal, fields.f64(m.T_EXITED_AT))
    session.streams = [_decode_stream(session, m.decode_fields(entry)) for entry in fields.list(S_STREAM)]
    session.marks_missing = sum(not stream.late for stream in session.streams)
    return session


def _decode_stream(session: Session, fields: m.Message) -> Stream:
    ring_fd = fields.u64(S_RING)
    stream = Stream(
        session.id,
        fields.text(m.T_STREAM),
        _fd_or_none(fields, S_FD),
        ring_fd,
        fields.u64(S_EVENT),
        RingWriter(ring_fd),
        is_pty=session.kind == "pty",
    )
    stream.thread_index = fields.u64(S_THREAD)
    stream.pending = fields.blob(S_PENDING)
    for entry in fields.list(S_READER):
        stream.readers += (_decode_reader(stream, m.decode_fields(entry)),)
    stream.late = stream.writer.exit_offset is not None
    return stream


def _decode_reader(stream: Stream, fields: m.Message) -> Reader:
    reader = Reader(fields.u64(m.T_READER), fields.u64(S_PAGE), fields.u64(S_WAKE_END))
    input_fd = _fd_or_none(fields, S_INPUT)
    if input_fd is not None and stream.fd is not None:
        reader.input = Input(input_fd, reader.words, taken=fields.u64(m.T_TAKEN), rest=fields.blob(S_REST))
        stream.mouth = stream.mouth or Mouth(stream)
        stream.mouth.inputs.append(reader.input)
    return reader
