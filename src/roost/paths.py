"""Where roost keeps its sockets, locks and logs, and whether a directory is safe to keep them in.

Owns the path rules. Imported by every command before anything else, so it imports next to nothing; it must not know
what is spoken over the sockets.
"""

from __future__ import annotations

import errno
import os
import stat

from roost.errors import InvalidError, RoostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SCOPE = "default"
MAX_SCOPE_LENGTH = 64
#: sun_path holds 108 bytes with its closing NUL. Source: unix(7).
MAX_SOCKET_PATH_BYTES = 107

_SCOPE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_RUN_USER = "/run/user"
_TMP = "/tmp"


class Paths:
    """All paths of one scope, as text. A scope is one independent daemon and keeper of one user."""

    __slots__ = (
        "abstract_name",
        "client_socket",
        "daemon_lock",
        "daemon_log",
        "daemon_socket",
        "events_socket",
        "http_socket",
        "keeper_lock",
        "keeper_log",
        "keeper_socket",
        "recall_name",
        "runs_dir",
        "runtime_dir",
        "scope",
        "state_dir",
    )

    def __init__(self, scope: str, runtime_dir: str, state_dir: str, *, uid: int) -> None:
        self.scope = scope
        self.runtime_dir = runtime_dir
        self.state_dir = state_dir
        self.daemon_socket = f"{runtime_dir}/daemon.sock"
        #: Where clients look for the daemon: `daemon_socket` unless ROOST_SOCKET says otherwise.
        self.client_socket = self.daemon_socket
        self.keeper_socket = f"{runtime_dir}/keeper.sock"
        self.http_socket = f"{runtime_dir}/http.sock"
        self.events_socket = f"{runtime_dir}/events.sock"
        self.runs_dir = f"{runtime_dir}/runs"
        self.daemon_lock = f"{state_dir}/daemon.lock"
        self.keeper_lock = f"{state_dir}/keeper.lock"
        self.daemon_log = f"{state_dir}/daemon.log"
        self.keeper_log = f"{state_dir}/keeper.log"
        #: Abstract socket address of the keeper: found even when the runtime directory was removed. The places of both
        #: directories are part of it, so that two installations of one user never meet. Source: unix(7).
        self.abstract_name = f"\0roost/{uid}/{scope}/{_place_key(runtime_dir, state_dir)}"
        #: Abstract socket address at which a daemon is told that its socket file is gone.
        self.recall_name = f"{self.abstract_name}/recall"

    @classmethod
    def for_scope(cls, scope: str | None = None, *, environ: Mapping[str, str] = os.environ) -> Paths:
        """The paths of a scope; without one, of ROOST_SCOPE or the default scope. Touches no directory.

        ROOST_SOCKET moves `client_socket`, but not when the caller names a scope: what is said outright wins over what
        was inherited.
        """
        name = check_scope(scope or environ.get("ROOST_SCOPE") or DEFAULT_SCOPE)
        level = "" if name == DEFAULT_SCOPE else f"/{name}"
        uid = os.geteuid()
        runtime_base = _runtime_base(environ, uid)
        paths = cls(name, runtime_base + level, _state_base(environ, uid, runtime_base) + level, uid=uid)
        if not scope and environ.get("ROOST_SOCKET"):
            paths.client_socket = environ["ROOST_SOCKET"]
        return paths

    def ensure_dirs(self) -> None:
        """Makes the runtime and state directories, or says what is wrong with the ones that are there."""
        ensure_private_dir(self.runtime_dir)
        ensure_private_dir(self.state_dir)


def check_scope(scope: str) -> str:
    """The scope, unchanged; InvalidError when it could not be a directory of its own."""
    if scope in (".", "..") or not 1 <= len(scope) <= MAX_SCOPE_LENGTH or not _SCOPE_CHARACTERS.issuperset(scope):
        raise InvalidError(
            f"scope {scope!r} cannot be used: give 1 to {MAX_SCOPE_LENGTH} letters, digits, '.', '_' or '-'"
        )
    return scope


def _runtime_base(environ: Mapping[str, str], uid: int) -> str:
    given = environ.get("XDG_RUNTIME_DIR", "")
    if given.startswith("/"):  # relative paths are to be ignored. Source: XDG Base Directory Specification.
        return f"{given.rstrip('/')}/roost"
    login = f"{_RUN_USER}/{uid}"
    if _is_own_dir(login, uid):
        return f"{login}/roost"
    return f"{_TMP}/roost-{uid}"


def _place_key(*parts: str) -> str:
    """A short name for a place: 64-bit FNV-1a in hexadecimal."""
    key = 0xCBF29CE484222325
    for byte in os.fsencode("\0".join(parts)):
        key = ((key ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{key:016x}"


def _state_base(environ: Mapping[str, str], uid: int, runtime_base: str) -> str:
    """State of a runtime directory that somebody chose stands apart from that of the login's, locks and logs too."""
    given = environ.get("XDG_STATE_HOME", "")
    if given.startswith("/"):
        return f"{given.rstrip('/')}/roost"
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        import pwd

        try:
            home = pwd.getpwuid(uid).pw_dir
        except KeyError:
            raise InvalidError(f"user {uid} has no home directory; set HOME or XDG_STATE_HOME") from None
    base = f"{home.rstrip('/')}/.local/state/roost"
    if runtime_base in (f"{_RUN_USER}/{uid}/roost", f"{_TMP}/roost-{uid}"):
        return base
    return f"{base}/at-{_place_key(runtime_base)}"


def _is_own_dir(path: str, uid: int) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid


def ensure_private_dir(path: str) -> None:
    """Makes a directory (and missing parents) that only its owner can enter, or checks the one that is there.

    Refused with kind `denied`: a symbolic link, something that is no directory, another owner, permission bits for
    group or others, and a parent that belongs to neither us nor root (its owner could swap the directory).
    """
    _make_dirs(path)
    uid = os.geteuid()
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        raise _denied(path, "is a symbolic link", f"remove it with `rm {path}`")
    if not stat.S_ISDIR(found.st_mode):
        raise _denied(path, "is not a directory", f"move it away with `mv {path} {path}.old`")
    if found.st_uid != uid:
        raise _denied(path, f"belongs to user {found.st_uid}, not to you ({uid})", f"run `sudo chown {uid} {path}`")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise _denied(path, f"can be entered by others (mode {mode:04o}, needs 0700)", f"run `chmod 700 {path}`")
    _check_parent(os.path.dirname(path) or ".", uid)


def _check_parent(parent: str, uid: int) -> None:
    owner = os.stat(parent).st_uid
    if owner not in (uid, 0):
        advice = "set XDG_RUNTIME_DIR and XDG_STATE_HOME to directories of your own"
        raise _denied(parent, f"belongs to user {owner}, who could replace what is in it", advice)


def _make_dirs(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        parent = os.path.dirname(path)
        if not parent or parent == path:
            raise
        _make_dirs(parent)
        _make_dirs(path)
    except OSError as error:
        raise _cannot_make(path, error) from error


def _cannot_make(path: str, error: OSError) -> RoostError:
    reason = os.strerror(error.errno or 0)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RoostError(f"{path} cannot be made: {reason}; free some space (`df {path}`)", kind="exhausted")
    parent = os.path.dirname(path) or "."
    advice = f"look at `ls -ld {parent}`, or set XDG_RUNTIME_DIR and XDG_STATE_HOME to directories of your own"
    return _denied(path, f"cannot be made: {reason}", advice)


def _denied(path: str, wrong: str, advice: str) -> RoostError:
    return RoostError(f"{path} {wrong}; {advice}", kind="denied")


def check_socket_path(path: str) -> str:
    """The path, unchanged; InvalidError when it does not fit into a socket address (107 bytes)."""
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH_BYTES:
        raise InvalidError(
            f"socket path {path} has {length} bytes, a Unix socket takes {MAX_SOCKET_PATH_BYTES}; "
            "set XDG_RUNTIME_DIR to a shorter directory, or give --socket-path or ROOST_SOCKET"
        )
    return path
