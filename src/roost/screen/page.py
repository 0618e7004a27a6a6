"""The page of memory that the daemon and the screen worker share: words that must not wait for a message.

Owns its layout. The worker notes whose screen it works on, which is left behind if it ends meanwhile. The daemon
announces each size before the program learns of it: a program may paint for the new size before the message about it is
read, and the worker, which sees the output by itself, would show that in the old size.
"""

from __future__ import annotations

import mmap
import struct

from roost.platform import full_fence

_WORD = struct.Struct("<Q")
_WORKING_ON, _ANNOUNCED = 0, 8


class Page:
    """One end of it."""

    def __init__(self, fd: int) -> None:
        """Map the file; the descriptor is not kept."""
        self._map = mmap.mmap(fd, mmap.PAGESIZE)
        self._told = 0

    @property
    def working_on(self) -> int:
        """The number of the session whose screen is being worked on, 0 for none."""
        return int(_WORD.unpack_from(self._map, _WORKING_ON)[0])

    @working_on.setter
    def working_on(self, number: int) -> None:
        _WORD.pack_into(self._map, _WORKING_ON, number)

    def announce(self) -> int:
        """Say that a size is about to change; the number that the message about it has to carry."""
        number = self._announced + 1
        _WORD.pack_into(self._map, _ANNOUNCED, number)
        full_fence()
        return number

    @property
    def _announced(self) -> int:
        return int(_WORD.unpack_from(self._map, _ANNOUNCED)[0])

    @property
    def awaits_size(self) -> bool:
        """Whether a size was announced and not told yet: output that was read before this is asked may be for it."""
        full_fence()
        return self._announced > self._told

    def told(self, number: int) -> None:
        """The message about that announcement has come."""
        self._told = max(self._told, number)

    def give_up(self) -> None:
        """Wait for no message about what was announced by now."""
        self._told = self._announced

    def close(self) -> None:
        """Unmap it."""
        self._map.close()
