"""Starting one child: terminal or pipes, rings, and `posix_spawn`. Runs on the spawn thread.

Owns the recipe. `posix_spawn` (0.2 ms) instead of fork (1.4 ms) means that directory, umask and limits are the keeper's
own for that moment; `gate` keeps the control thread from opening descriptors meanwhile. Must not know who asked.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from roost.errors import InvalidError, RoostError
from roost.keeper.limits import LimitsAround, set_on_child
from roost.keeper.program import denied, find_program, interpreter_of, missing_part, show
from roost.keeper.sessions import Session, Stream
from roost.keeper.signals import SETTABLE
from roost.platform import clock_ticks, open_terminal, process_start_ticks
from roost.platform.session_mark import Marking
from roost.ring.writer import RingWriter, create_ring_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType

_PIPE_BYTES = 256 << 10
_SHELL = b"/bin/sh"
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS)


class Recipe:
    """What to start. Bytes where the system has bytes."""

    __slots__ = (
        "argv",
        "blob",
        "cols",
        "cwd",
        "env",
        "held",
        "id",
        "key",
        "kind",
        "limits",
        "ring_bytes",
        "rows",
        "umask",
    )

    def __init__(self, id: str, argv: list[bytes], kind: str) -> None:
        self.id = id
        self.argv = argv
        self.kind = kind
        self.key = ""
        self.blob = b""
        self.env: list[bytes] = []
        self.cwd = b"/"
        self.held: list[str] = []  # streams with a lossless reader from the first byte on
        self.rows = 24
        self.cols = 80
        self.ring_bytes = 0
        self.umask: int | None = None
        self.limits: dict[str, int] = {}


def spawn(recipe: Recipe, gate: LockType) -> Session:
    """Start the child and return its record, streams not yet drained. Raises RoostError with nothing left behind."""
    opened = _Opened()
    try:
        channels = _open_channels(recipe, opened)
        streams = [_open_stream(recipe, name, fd, opened) for name, fd in channels.outputs]
        created_at = time.time()
        began = clock_ticks()
        pid = _start(recipe, channels.actions, gate)
        # Its start lies in between. Reading it in /proc may mean waiting for the child, which is about to exec.
        ended = clock_ticks()
    except BaseException as error:
        opened.close_all()
        if isinstance(error, OSError):
            raise _exhausted(error) from error
        raise
    opened.close_child_ends()
    session = Session(recipe.id, recipe.key, recipe.kind, pid, created_at)
    session.blob = recipe.blob
    session.start_ticks = began if began == ended else process_start_ticks(pid) or 0
    session.tty, session.tty_nr = channels.tty, channels.tty_nr
    session.stdin_fd = channels.stdin_fd
    session.streams = streams
    session.marks_missing = len(streams)
    return session


class _Opened:
    """What was opened on the way, so that a failure leaves nothing behind."""

    def __init__(self) -> None:
        self.ours: list[int] = []
        self.child_ends: list[int] = []
        self.writers: list[RingWriter] = []

    def close_child_ends(self) -> None:
        for fd in self.child_ends:
            os.close(fd)

    def close_all(self) -> None:
        for writer in self.writers:
            writer.release()
        self.close_child_ends()
        for fd in self.ours:
            os.close(fd)


class _Channels:
    """Where the child's descriptors 0, 1, 2 come from, and our ends."""

    def __init__(self) -> None:
        self.actions: list[tuple[int, int, int] | tuple[int, int, bytes | str, int, int]] = []
        self.outputs: list[tuple[str, int]] = []
        self.stdin_fd: int | None = None
        self.tty = ""
        self.tty_nr = 0


def _open_channels(recipe: Recipe, opened: _Opened) -> _Channels:
    channels = _Channels()
    if recipe.kind == "pty":
        _open_pty(recipe, channels, opened)
    else:
        _open_pipes(channels, opened, merged=recipe.kind == "merged")
    return channels


def _open_pty(recipe: Recipe, channels: _Channels, opened: _Opened) -> None:
    try:
        master, slave, channels.tty = open_terminal(recipe.rows, recipe.cols)
    except OSError as error:
        raise _no_terminal(error) from error
    opened.ours.append(master)
    opened.child_ends.append(slave)
    channels.tty_nr = os.fstat(slave).st_rdev
    channels.outputs.append(("stdout", master))
    # Opened by path after setsid, which makes it the controlling terminal.
    channels.actions = [
        (os.POSIX_SPAWN_OPEN, 0, channels.tty, os.O_RDWR, 0),
        (os.POSIX_SPAWN_DUP2, 0, 1),
        (os.POSIX_SPAWN_DUP2, 0, 2),
    ]


def _open_pipes(channels: _Channels, opened: _Opened, *, merged: bool) -> None:
    child_stdin, our_stdin = _pipe(opened, child_reads=True)
    channels.stdin_fd = our_stdin
    channels.actions.append((os.POSIX_SPAWN_DUP2, child_stdin, 0))
    names = ("stdout",) if merged else ("stdout", "stderr")
    for number, name in enumerate(names, 1):
        child_end, our_end = _pipe(opened, child_reads=False)
        channels.outputs.append((name, our_end))
        channels.actions.append((os.POSIX_SPAWN_DUP2, child_end, number))
    if merged:
        channels.actions.append((os.POSIX_SPAWN_DUP2, 1, 2))


def _pipe(opened: _Opened, *, child_reads: bool) -> tuple[int, int]:
    """A pipe as (the child's end, our end); ours does not block, the child's does."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    theirs, ours = (reader, writer) if child_reads else (writer, reader)
    opened.child_ends.append(theirs)
    opened.ours.append(ours)
    os.set_blocking(ours, False)
    if not child_reads:
        try:
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            pass  # over the user's share of pipe memory: a smaller pipe works as well, only slower
    return theirs, ours


def _open_stream(recipe: Recipe, name: str, fd: int, opened: _Opened) -> Stream:
    ring_fd = create_ring_file(f"roost-{recipe.id}-{name}", recipe.ring_bytes)
    opened.ours.append(ring_fd)
    event_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    opened.ours.append(event_fd)
    writer = RingWriter(ring_fd)
    if name in recipe.held:
        writer.hold_from_start()
    opened.writers.append(writer)
    return Stream(recipe.id, name, fd, ring_fd, event_fd, writer, is_pty=recipe.kind == "pty")


def _start(
    recipe: Recipe, actions: list[tuple[int, int, int] | tuple[int, int, bytes | str, int, int]], gate: LockType
) -> int:
    env = {key: value for key, _, value in [entry.partition(b"=") for entry in recipe.env]}
    try:
        _enter(recipe.cwd)
        program = find_program(recipe.argv[0], env.get(b"PATH"))
        # Touch what exec will read while the interpreter lock is released; posix_spawn itself holds it.
        interpreter = interpreter_of(program)
        if interpreter is not None:
            os.path.exists(interpreter)
        with gate:
            pid = _posix_spawn(recipe, program, env, actions)
    finally:
        os.chdir("/")
    try:
        set_on_child(pid, recipe.limits)
    except OSError:
        pass  # it became another user; its limits are not ours to set
    return pid


def _enter(cwd: bytes) -> None:
    try:
        os.chdir(cwd)
    except NotADirectoryError as error:
        raise InvalidError(f"cwd '{show(cwd)}' is not a directory; give an existing directory") from error
    except FileNotFoundError as error:
        raise InvalidError(f"cwd '{show(cwd)}' does not exist; create it or give another directory") from error
    except PermissionError as error:
        raise RoostError(f"cwd '{show(cwd)}' may not be entered by this user; check its mode", kind="denied") from error
    except (OSError, ValueError) as error:
        raise InvalidError(f"cwd '{show(cwd)}' cannot be entered: {error}") from error


def _posix_spawn(
    recipe: Recipe,
    program: bytes,
    env: dict[bytes, bytes],
    actions: list[tuple[int, int, int] | tuple[int, int, bytes | str, int, int]],
) -> int:
    umask = None if recipe.umask is None else os.umask(recipe.umask)
    try:
        with LimitsAround(recipe.limits), Marking(recipe.id):
            try:
                return _exec(program, recipe.argv, env, actions)
            except OSError as error:
                if error.errno == errno.ENOEXEC:  # a script without a first line: what execvp does
                    return _exec(_SHELL, [_SHELL, program, *recipe.argv[1:]], env, actions)
                raise _refused(program, recipe, error) from error
            except ValueError as error:
                raise InvalidError(f"argv or environment cannot be passed on: {error}") from error
    finally:
        if umask is not None:
            os.umask(umask)


def _exec(
    program: bytes,
    argv: list[bytes],
    env: dict[bytes, bytes],
    actions: list[tuple[int, int, int] | tuple[int, int, bytes | str, int, int]],
) -> int:
    return os.posix_spawn(program, argv, env, file_actions=actions, setsid=True, setsigmask=[], setsigdef=SETTABLE)


def _refused(program: bytes, recipe: Recipe, error: OSError) -> RoostError:
    if error.errno == errno.ENOENT:
        return missing_part(program)
    if error.errno in (errno.EACCES, errno.EPERM):
        return denied(program)
    if error.errno == errno.E2BIG:
        size = sum(map(len, recipe.argv)) + sum(map(len, recipe.env))
        return InvalidError(f"argv and environment have {size} bytes, more than the system takes; shorten them")
    if error.errno in _FULL:
        return _exhausted(error)
    return RoostError(
        f"program '{show(program)}' cannot be run: {error.strerror}; try `file {show(program)}`", kind="invalid"
    )


def _no_terminal(error: OSError) -> RoostError:
    if error.errno == errno.ENOSPC:
        text = "no PTYs left: end sessions, or raise /proc/sys/kernel/pty/max (and see pty/nr)"
        return RoostError(text, kind="exhausted")
    if error.errno in _FULL:
        return _exhausted(error)
    return RoostError(f"no PTY can be opened: {error}; is devpts mounted on /dev/pts?", kind="unavailable")


def _exhausted(error: OSError) -> RoostError:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        text = "too many open files: end or purge sessions, or raise the hard limit (`ulimit -Hn`) and start anew"
    elif error.errno == errno.EAGAIN:
        text = "no more processes: the user's limit (`ulimit -u`) or the system's is reached; end some"
    elif error.errno == errno.EFBIG:
        text = "the ring is larger than a file may be: raise that (`ulimit -f`) and start anew, or give a smaller ring"
    elif error.errno in _FULL:
        text = f"out of memory for another session ({error.strerror}): end or purge sessions"
    else:
        return RoostError(f"the session cannot be started: {error}", kind="internal")
    return RoostError(text, kind="exhausted")
