"""Where protocol v1 expects its daemon, and which of roost's own scopes stands behind such a place.

Owns section 1.1 of the fact sheet. Imported before anything else by `start`, so it imports next to nothing.
"""

from __future__ import annotations

import os
import stat

from roost.errors import InvalidError, RoostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_RUNTIME_NAME = "running-process"


class Place:
    """One v1 daemon: its scope as v1 calls it, its socket, and its registry's database."""

    __slots__ = ("_is_default", "db_path", "scope", "socket_path")

    def __init__(
        self,
        scope: str | None = None,
        socket_path: str | None = None,
        db_path: str | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Raises InvalidError for a scope that could not be part of a file name. Touches no directory."""
        if scope and ("/" in scope or "\0" in scope):
            raise InvalidError(f"scope {scope!r} cannot be part of a file name; leave out '/'")
        suffix = f"-{scope}" if scope else ""
        self.scope = scope or None
        self._is_default = not socket_path
        self.socket_path = _absolute(socket_path or f"{_runtime_dir(environ)}/daemon{suffix}.sock")
        self.db_path = _absolute(db_path or f"{_state_dir(environ)}/tracked-pids{suffix}.sqlite3")

    @property
    def roost_scope(self) -> str:
        """The scope of roost's own directories, lock and keeper: one for each socket, never one that people use."""
        key = 0xCBF29CE484222325  # FNV-1a, 64 bits
        for byte in os.fsencode(self.socket_path):
            key = ((key ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        return f"v1-{key:016x}"

    def ensure_runtime_dir(self) -> None:
        """Make the socket's directory (one level), or check the one that is there as v1 does.

        The default directory is also forced to mode 0700, as v1's clients do. Raises RoostError (denied).
        """
        directory = os.path.dirname(self.socket_path)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            pass
        except OSError as error:
            raise RoostError(f"{directory} cannot be made: {error.strerror}", kind="denied") from error
        found = os.lstat(directory)
        if not stat.S_ISDIR(found.st_mode):
            raise _denied(directory, "is not a directory (a symbolic link is none either)")
        if found.st_uid != os.geteuid():
            raise _denied(directory, f"belongs to user {found.st_uid}, not to you ({os.geteuid()})")
        if stat.S_IMODE(found.st_mode) != 0o700:
            if not self._is_default:
                mode = stat.S_IMODE(found.st_mode)
                raise _denied(directory, f"has mode {mode:04o}, needs 0700: run `chmod 700 {directory}`")
            os.chmod(directory, 0o700)


def _runtime_dir(environ: Mapping[str, str]) -> str:
    given = environ.get("XDG_RUNTIME_DIR")
    if given is not None:  # set to an empty text it gives a relative path: v1's clients look there
        return os.path.join(given, _RUNTIME_NAME)
    return f"/tmp/{_RUNTIME_NAME}-{os.getuid()}"


def _state_dir(environ: Mapping[str, str]) -> str:
    base = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local/state")
    return os.path.join(base, _RUNTIME_NAME)


def _absolute(path: str) -> str:
    """The path without the ways in which the same place can be spelled differently, except for its last two parts."""
    directory, name = os.path.split(os.path.abspath(path))
    above, last = os.path.split(directory)
    return os.path.join(os.path.realpath(above), last, name)


def _denied(path: str, wrong: str) -> RoostError:
    return RoostError(f"{path} {wrong}", kind="denied")
