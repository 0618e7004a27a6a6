"""What the first process of a session runs until it is followed by ptrace, then it becomes the session's program.

Owns the wait, which ends by itself: where no tracer comes, the program starts all the same. Run as a file by an
isolated interpreter; stdlib only.
"""

import errno
import os
import signal
import struct
import sys
import time

#: The tracer needs some tens of milliseconds.
WAIT_S = 2.0
_LOOK_EVERY_S = 0.001
_PR_SET_PTRACER = 0x59616D61
_ANYBODY = 2 ** (8 * struct.calcsize("L")) - 1
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def followed() -> bool:
    """Whether somebody traces us. Source: proc_pid_status(5), TracerPid."""
    with open("/proc/self/status", "rb") as status:
        return any(line.startswith(b"TracerPid:") and line.split()[1] != b"0" for line in status)


def wait_for_tracer() -> None:
    """Wait until we are followed, or long enough."""
    deadline = time.monotonic() + WAIT_S
    restricted = only_by_ancestors()
    if restricted:
        let_in(_ANYBODY)
    while not followed() and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    if restricted:
        let_in(0)


def only_by_ancestors(place: str = "/proc/sys/kernel/yama/ptrace_scope") -> bool:
    """Whether a process of the same user may follow us only if we let it, as on Ubuntu. Source: ptrace(2), Yama."""
    try:
        with open(place, encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def let_in(pid: int) -> None:
    """Let that process follow us; 0 for none. Source: PR_SET_PTRACER(2const)."""
    import ctypes  # here, since most machines do not need it

    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)


def become(argv: list[bytes], environ: dict[bytes, bytes]) -> int:
    """Execute a program by the rules of execvp(3); the exit code when that is not possible."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # an interpreter ignores them, its successor must not
        signal.signal(number, signal.SIG_DFL)
    name = argv[0]
    places = [b""] if b"/" in name else environ.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    problem = errno.ENOENT
    for place in places:
        path = os.path.join(place, name)
        try:
            os.execve(path, argv, environ)
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                os.execve("/bin/sh", [b"sh", path, *argv[1:]], environ)
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                problem = error.errno or problem
    os.write(2, b"roost: %s: %s\n" % (name, os.strerror(problem).encode()))
    return NOT_FOUND if problem == errno.ENOENT else NOT_EXECUTABLE


def own_environment() -> dict[bytes, bytes]:
    """The environment as we were given it: an interpreter may have changed its locale."""
    with open("/proc/self/environ", "rb") as file:
        entries = [entry.partition(b"=") for entry in file.read().split(b"\0") if entry]
    return {key: value for key, _, value in entries}


def main() -> int:
    """Wait, then become argv."""
    wait_for_tracer()
    return become([os.fsencode(word) for word in sys.argv[1:]], own_environment())


if __name__ == "__main__":
    sys.exit(main())
