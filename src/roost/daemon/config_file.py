"""Where the configuration's file is, what its meaning depends on, and its text: for the daemon and for `roost config`.

Owns the reading. Imports next to nothing of the daemon, so that a command may use it.
"""

from __future__ import annotations

import os

from roost.core.config import config_path
from roost.core.config_reading import ConfigError, Problem, Surroundings
from roost.hooks.installed import InstalledSinks
from roost.paths import Paths

MAX_BYTES = 1 << 20


def own_config_path() -> str:
    """Where this process looks for the file."""
    return config_path(os.environ, os.path.expanduser("~"))


def surroundings(paths: Paths) -> Surroundings:
    """What the meaning of a configuration depends on here."""
    home = os.path.expanduser("~")
    return Surroundings(paths.runtime_dir, paths.state_dir, home, environ=os.environ, sinks=InstalledSinks())


def read_file(path: str) -> str | None:
    """The text of a configuration; None when there is no file. Raises ConfigError for one that cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if len(data) > MAX_BYTES:
        raise _unreadable(path, f"it has more than {MAX_BYTES} bytes")
    try:
        return data.decode().removeprefix("\ufeff")  # some editors put it in front; TOML knows no such mark
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is no UTF-8: byte {error.start} is {data[error.start]:#04x}") from error


def _unreadable(path: str, why: str) -> ConfigError:
    return ConfigError([Problem(path, 0, "", f"cannot be read: {why}")])
