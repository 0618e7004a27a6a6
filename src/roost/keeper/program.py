"""Which file a command line means, and why it cannot be run: execvp's rules, with reasons.

Looks at files relative to the process's directory, so the caller goes to the child's directory first. Every look
releases the interpreter lock, which `os.posix_spawn` does not: a dead network mount is met here, where only the spawn
thread waits.
"""

from __future__ import annotations

import errno
import os
import stat

from roost.errors import RoostError

_DEFAULT_PATH = b"/bin:/usr/bin"  # what execvp searches without PATH. Source: exec(3), glibc.
_SHEBANG_BYTES = 256  # BINPRM_BUF_SIZE
_MISSES = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT, errno.ELOOP)


def candidates(program: bytes, path: bytes | None) -> list[bytes]:
    """The files that execvp would try, in order. An empty element of PATH is the current directory."""
    if b"/" in program:
        return [program]
    elements = (_DEFAULT_PATH if path is None else path).split(b":")
    return [element + b"/" + program if element else b"./" + program for element in elements]


def find_program(program: bytes, path: bytes | None) -> bytes:
    """The first file of that name that may be executed. Raises RoostError: not_found, or denied with the reason."""
    refused: bytes | None = None
    for candidate in candidates(program, path):
        try:
            status = os.stat(candidate)
        except OSError as error:
            if error.errno == errno.EACCES:
                refused = candidate
            elif error.errno not in _MISSES:
                raise RoostError(f"program '{show(candidate)}' cannot be looked at: {error.strerror}") from error
            continue
        if stat.S_ISREG(status.st_mode) and os.access(candidate, os.X_OK):
            return candidate
        refused = candidate
    if refused is not None:
        raise denied(refused)
    raise _not_found(program, path)


def denied(program: bytes) -> RoostError:
    """Why a file that is there may not be run."""
    name = show(program)
    if os.path.isdir(program):
        return RoostError(f"'{name}' is a directory, not a program; name a file inside it", kind="denied")
    if os.path.isfile(program) and not os.access(program, os.X_OK):
        return RoostError(f"program '{name}' is not executable; run `chmod +x {name}`", kind="denied")
    return RoostError(f"program '{name}' may not be run by this user; look at `ls -l {name}`", kind="denied")


def _not_found(program: bytes, path: bytes | None) -> RoostError:
    if b"/" in program:
        text = f"program '{show(program)}' was not found; check the path (a relative one starts at the session's cwd)"
    else:
        where = (
            f"PATH={show(path)}" if path is not None else f"the default path {show(_DEFAULT_PATH)} (PATH is not set)"
        )
        text = f"program '{show(program)}' was not found in {where}; give its full path or extend PATH"
    return RoostError(text, kind="not_found")


def interpreter_of(program: bytes) -> bytes | None:
    """The interpreter that a script's first line names; None for anything else, or when it cannot be read."""
    try:
        fd = os.open(program, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        head = os.read(fd, _SHEBANG_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)
    if not head.startswith(b"#!"):
        return None
    words = head[2:].split(b"\n", 1)[0].split()
    return words[0] if words else None


def missing_part(program: bytes) -> RoostError:
    """Why exec said ENOENT for a file that exists: its interpreter or its loader does not."""
    interpreter = interpreter_of(program)
    if interpreter is not None:
        text = (
            f"interpreter '{show(interpreter)}' of script '{show(program)}' does not exist; "
            "install it or mend the script's first line"
        )
    else:
        text = f"the loader of program '{show(program)}' does not exist; it was built for another system (see `file`)"
    return RoostError(text, kind="not_found")


def show(data: bytes) -> str:
    """Bytes for people."""
    return data.decode("utf-8", "backslashreplace")
