"""Which files are not worth an event: what .gitignore names, the insides of .git, and patterns of one's own.

Owns the rules of one tree, nearest .gitignore first, as git applies them: what is below an ignored directory stays
ignored. Reads the rule files, nothing else. Source: gitignore(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from pathspec import GitIgnoreSpec

RULES = b".gitignore"
_MOST_BYTES = 1 << 20
#: Directories whose answer is remembered.
_REMEMBERED = 65_536


class Ignore:
    """The rules below one root. Paths are absolute bytes."""

    def __init__(self, root: bytes, patterns: Iterable[str] = ()) -> None:
        self._root = root
        self._top = _repository(root) or root
        self._own = GitIgnoreSpec.from_lines(patterns)
        self._specs: dict[bytes, GitIgnoreSpec | None] = {}
        self._directories: dict[bytes, bool] = {}
        if self._ignored_from_above():
            self._top = root  # chosen all the same: then the rules above do not count below it either

    def _ignored_from_above(self) -> bool:
        path = self._root
        while path != self._top:
            parent = os.path.dirname(path)
            if _is_git(path) or self._by_files(path, parent, "/"):
                return True
            path = parent
        return False

    def ignores(self, path: bytes, *, directory: bool) -> bool:
        """Whether nothing is told of that path."""
        parent = os.path.dirname(path)
        return self._directory(parent) or self._one(path, parent, directory=directory)

    def skips(self, directory: bytes) -> bool:
        """Whether nothing below that directory is told, so that it need not be watched."""
        return self._directory(directory)

    def changed(self, path: bytes) -> bool:
        """Take note of a changed file; True when it holds rules, so that everything may be different now."""
        if os.path.basename(path) != RULES:
            return False
        self.forget()
        return True

    def forget(self) -> None:
        """Read the rules again when they are needed."""
        self._specs.clear()
        self._directories.clear()

    def _directory(self, directory: bytes) -> bool:
        if len(directory) <= len(self._root):
            return False  # what was asked for is never ignored itself
        known = self._directories.get(directory)
        if known is None:
            parent = os.path.dirname(directory)
            known = self._directory(parent) or self._one(directory, parent, directory=True) or _is_git(directory)
            if len(self._directories) >= _REMEMBERED:
                self._directories.clear()
            self._directories[directory] = known
        return known

    def _one(self, path: bytes, parent: bytes, *, directory: bool) -> bool:
        """By the rules of the parent and those above, the nearest that says anything."""
        tail = "/" if directory else ""
        own = self._own.check_file(_relative(path, self._root) + tail).include
        return self._by_files(path, parent, tail) if own is None else own

    def _by_files(self, path: bytes, parent: bytes, tail: str) -> bool:
        while len(parent) >= len(self._top):
            spec = self._spec(parent)
            if spec is not None:
                found = spec.check_file(_relative(path, parent) + tail).include
                if found is not None:
                    return found
            if parent == self._top:
                break
            parent = os.path.dirname(parent)
        return False

    def _spec(self, directory: bytes) -> GitIgnoreSpec | None:
        if directory not in self._specs:
            lines = _lines(os.path.join(directory, RULES))
            if directory == self._top:
                lines = _lines(os.path.join(directory, b".git/info/exclude")) + lines
            self._specs[directory] = GitIgnoreSpec.from_lines(lines) if lines else None
        return self._specs[directory]


def _repository(path: bytes) -> bytes | None:
    """The repository that a directory is in: its rules count for us too."""
    while True:
        if os.path.lexists(os.path.join(path, b".git")):
            return path
        above = os.path.dirname(path)
        if above == path:
            return None
        path = above


def _is_git(directory: bytes) -> bool:
    return os.path.basename(directory) == b".git"


def _relative(path: bytes, base: bytes) -> str:
    return path[len(base) :].lstrip(b"/").decode("utf-8", "replace")


def _lines(path: bytes) -> list[str]:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
