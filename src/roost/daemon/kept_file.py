"""A list that the next daemon has to know: one file of the state directory, 0600, written whole at every change.

Owns the file; what is in it is said by the functions that encode and decode it. One that cannot be read is moved aside.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from roost.errors import InvalidError, RoostError
from roost.platform.run_files import write_whole

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeptFile(Generic[T]):
    """The file."""

    def __init__(self, path: str, encode: Callable[[Iterable[T]], bytes], decode: Callable[[bytes], list[T]]) -> None:
        """`decode` raises InvalidError."""
        self._path = path
        self._encode = encode
        self._decode = decode

    def read(self) -> list[T]:
        """What is kept."""
        try:
            with open(self._path, "rb") as file:
                return self._decode(file.read())
        except FileNotFoundError:
            return []
        except (OSError, InvalidError) as error:
            aside = f"{self._path}.unreadable"
            log.error("%s cannot be read: %s; it is now %s, and a new one is begun", self._path, error, aside)
            try:
                os.replace(self._path, aside)
            except OSError as failure:
                log.error("%s cannot be moved aside: %s", self._path, failure.strerror)
            return []

    def write(self, entries: Iterable[T]) -> None:
        """Keep these. Raises RoostError (unavailable); what was kept before is still there then."""
        try:
            write_whole(self._path, self._encode(entries))
        except OSError as error:
            raise RoostError(
                f"{self._path} cannot be written ({error.strerror}), so that this would not last; nothing was changed",
                kind="unavailable",
            ) from error
