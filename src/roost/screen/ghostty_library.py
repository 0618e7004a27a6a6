"""libghostty-vt, opened: the library that comes with the package `pyghostty`, called by declarations of our own.

Owns where it is found. The package's module is not imported: it would parse all declarations anew at each start.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from roost.errors import UnavailableError
from roost.screen._ghostty_abi import ffi


def _open_library() -> Any:
    named = os.environ.get("PYGHOSTTY_LIB")
    if named:
        return ffi.dlopen(named)
    found = importlib.util.find_spec("pyghostty")
    for directory in (found.submodule_search_locations or []) if found else []:
        for name in ("libghostty-vt.so", "libghostty-vt.dylib"):
            path = os.path.join(directory, "_lib", name)
            if os.path.exists(path):
                return ffi.dlopen(path)
    raise UnavailableError("no terminal emulator is installed: `pip install pyghostty==0.1.3` brings one")


lib = _open_library()


class LibraryError(RuntimeError):
    """A call of the library did not do what it should; the terminal may be in any state."""


def check(result: int, what: str) -> None:
    """Raises LibraryError unless that is success."""
    if result != 0:
        raise LibraryError(f"{what}: {result}")


def sized(ctype: str) -> Any:
    """A structure of a kind that tells its own size, the nested ones too."""
    made = ffi.new(ctype + " *")
    _set_sizes(made)
    return made


def _set_sizes(pointer: Any) -> None:
    ctype = ffi.typeof(pointer).item
    for name, field in ctype.fields:
        if name == "size":
            pointer.size = ffi.sizeof(ctype)
        elif field.type.kind == "struct":
            _set_sizes(ffi.addressof(pointer[0], name))


__all__ = ["LibraryError", "check", "ffi", "lib", "sized"]
