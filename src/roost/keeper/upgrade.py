"""Replacing the keeper's program in place: the same process, the same children, the next image.

Owns the order of a re-exec. The new image is test-run while everything goes on; then the draining threads stop at the
end of a turn, the state goes into a memory file, and `execv` is called. Whatever fails before that leaves the keeper as
it was and is answered with the reason; the answer to success comes from the new image.

What survives by itself: pid, children, pidfds, sockets, pending signals, the lock, and the bytes in kernel buffers.
"""

from __future__ import annotations

import os
import select

from roost.errors import InvalidError, RoostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from roost.keeper.state import State

SELF_TEST_S = 5.0


def command_line(argv: list[bytes], exe: bytes) -> tuple[bytes, list[bytes]]:
    """Program and arguments of the new image. Raises InvalidError unless it can be named without a search."""
    if not argv:
        raise InvalidError("upgrade without a command line for the new image")
    program = exe or argv[0]
    if not program.startswith(b"/"):
        raise InvalidError(f"the new image must be named by its full path, not '{program.decode('utf-8', 'replace')}'")
    return program, argv


def run_self_test(program: bytes, argv: list[bytes], log_path: str) -> None:
    """Run the new image's self-test. Blocks up to 5 s, so it belongs on the spawn thread. Raises RoostError."""
    actions: list[tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_RDWR, 0),
        (os.POSIX_SPAWN_OPEN, 2, log_path or "/dev/null", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
    ]
    try:
        pid = os.posix_spawn(program, [*argv, b"--self-test"], os.environ, file_actions=actions, setsid=True)
    except OSError as error:
        raise _failed(f"cannot be run: {error.strerror}") from error
    pidfd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        in_time = bool(poll.poll(SELF_TEST_S * 1000))
        if not in_time:
            os.kill(pid, 9)  # our own unreaped child: the pid is still its own
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    finally:
        os.close(pidfd)
    if not in_time:
        raise _failed(f"did not end its self-test within {SELF_TEST_S:.0f} s")
    if ended is None or ended.si_code != os.CLD_EXITED or ended.si_status != 0:
        raise _failed("failed its self-test; see the keeper's log")


def replace_image(program: bytes, argv: list[bytes], state: State, body: bytes) -> None:
    """Become the new image. Returns only by raising RoostError, descriptors close-on-exec again."""
    kept = state.descriptors()
    state_fd = os.memfd_create("roost-keeper-state", 0)
    try:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(state_fd, rest) :]
        for fd in kept:
            os.set_inheritable(fd, True)
        os.execv(program, [*argv, b"--restore", str(state_fd).encode()])
    except OSError as error:
        raise _failed(f"cannot be executed: {error.strerror}") from error
    finally:
        for fd in kept:
            os.set_inheritable(fd, False)
        os.close(state_fd)


def read_state(fd: int) -> bytes:
    """The body that the earlier image left; the descriptor is closed."""
    try:
        size = os.fstat(fd).st_size
        parts: list[bytes] = []
        at = 0
        while at < size and (part := os.pread(fd, size - at, at)):
            parts.append(part)
            at += len(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def _failed(reason: str) -> RoostError:
    return RoostError(f"the keeper was not upgraded: the new image {reason}. All sessions run on.", kind="unavailable")
