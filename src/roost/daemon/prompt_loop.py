"""An event loop in which a few descriptors are read out of turn: those on a keystroke's way.

asyncio takes an event in three steps: its selector makes a key of it, the loop makes that a callback that is ready, and
then the callback has its turn behind all others. For a socket of an attached client and for a ring's eventfd that costs
more than reading them does. So this loop's selector calls their readers itself, while it looks at what there is, and
gives asyncio the rest. Everything else is asyncio's own loop.

What has to hold, whoever calls the readers:

- A reader is called at most once for each look at the descriptors, so what asyncio has ready has its turn as before.
- It runs in the context in which it was added; what it raises goes to the loop's exception handler.
- It may add and remove readers and close descriptors. An event of a descriptor that somebody has let go of in the same
  look is dropped; what has its number now is looked at in the next one, as epoll reports by level.
- A descriptor may be read out of turn and be written in turn: the kernel is told of it once, with both.
- In debug mode asyncio calls the readers, so that it finds those which take long.

Owns that and knows nothing of what is read. With another event loop, such as uvloop's, readers have their turn there.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
import select
import selectors
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol


class Readers(Protocol):
    """Where somebody has a descriptor read: in turn, or out of turn."""

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> object:
        """Call back while there is something to read."""

    def remove_reader(self, fd: int, /) -> object:
        """Call back no more. Before the descriptor is closed."""


class PromptSelector(selectors.BaseSelector):
    """Calls some readers itself; for the others it is what asyncio expects of a selector."""

    def __init__(self, on_fault: Callable[[BaseException], None]) -> None:
        self._epoll = select.epoll()
        self._on_fault = on_fault
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._prompt: dict[int, Callable[[], None]] = {}
        self._told: dict[int, int] = {}  # what the kernel looks for, by descriptor
        self._let_go: set[int] = set()  # during this look

    # --- out of turn ----------------------------------------------------------------------------------------------

    def add_prompt(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back while there is something to read there."""
        self._prompt[fd] = callback
        self._tell(fd)

    def remove_prompt(self, fd: int) -> bool:
        """Do so no more; whether it was done."""
        if self._prompt.pop(fd, None) is None:
            return False
        self._tell(fd)
        return True

    # --- for asyncio ----------------------------------------------------------------------------------------------

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Look for these events. Raises KeyError where that is done already, OSError."""
        fd = _number(fileobj)
        if fd in self._keys:
            raise KeyError(f"descriptor {fd} is registered already")
        self._keys[fd] = key = selectors.SelectorKey(fileobj, fd, events, data)
        try:
            self._tell(fd)
        except BaseException:
            del self._keys[fd]
            raise
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Look for other events, or for somebody else. Raises KeyError."""
        old = self.get_key(fileobj)
        self._keys[old.fd] = key = selectors.SelectorKey(fileobj, old.fd, events, data)
        self._tell(old.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Look for nothing there. Raises KeyError."""
        key = self._keys.pop(self.get_key(fileobj).fd)
        self._tell(key.fd)
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """What was registered. Raises KeyError."""
        fd = _number(fileobj)
        if fd >= 0:
            return self._keys[fd]
        for key in self._keys.values():  # it was closed first
            if key.fileobj is fileobj:
                return key
        raise KeyError(f"{fileobj!r} is not registered")

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """All that was registered, by descriptor."""
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, call who reads out of turn, and return the others' events."""
        events = self._epoll.poll(_whole_milliseconds(timeout), max(len(self._told), 1))
        prompt, rest = self._prompt, []
        self._let_go.clear()
        for fd, mask in events:
            callback = prompt.get(fd)
            if callback is None or not mask & ~select.EPOLLOUT:
                rest.append((fd, mask))
                continue
            try:
                callback()
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - the loop's edge, as asyncio's own
                self._on_fault(error)
            if mask & ~select.EPOLLIN:
                rest.append((fd, mask))
        return self._ready(rest) if rest else []

    def _ready(self, events: list[tuple[int, int]]) -> list[tuple[selectors.SelectorKey, int]]:
        ready = []
        for fd, mask in events:
            key = self._keys.get(fd)
            if key is None or fd in self._let_go:
                continue
            wanted = selectors.EVENT_WRITE if mask & ~select.EPOLLIN else 0
            if mask & ~select.EPOLLOUT:
                wanted |= selectors.EVENT_READ
            ready.append((key, wanted & key.events))
        return ready

    def close(self) -> None:
        """Look no more."""
        self._epoll.close()
        self._keys.clear()
        self._prompt.clear()
        self._told.clear()

    def _tell(self, fd: int) -> None:
        """Have the kernel look for what is wanted now."""
        key = self._keys.get(fd)
        wanted = 0 if key is None else _mask(key.events)
        if fd in self._prompt:
            wanted |= select.EPOLLIN
        told = self._told.get(fd, 0)
        if wanted == told:
            return
        if not wanted:
            del self._told[fd]
            self._let_go.add(fd)
            with contextlib.suppress(OSError):  # it was closed first
                self._epoll.unregister(fd)
        elif told:
            self._epoll.modify(fd, wanted)
            self._told[fd] = wanted
        else:
            self._epoll.register(fd, wanted)
            self._told[fd] = wanted


class PromptLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with readers out of turn."""

    def __init__(self) -> None:
        self._prompt_selector = PromptSelector(self._on_fault)
        super().__init__(self._prompt_selector)

    def add_prompt_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back while there is something to read there, before whatever else is ready."""
        if self.get_debug():
            self.add_reader(fd, callback)
        else:
            self._prompt_selector.add_prompt(fd, partial(contextvars.copy_context().run, callback))

    def remove_prompt_reader(self, fd: int) -> None:
        """Call back no more; safe to repeat. Before the descriptor is closed."""
        if not self._prompt_selector.remove_prompt(fd):
            self.remove_reader(fd)

    def _on_fault(self, error: BaseException) -> None:
        self.call_exception_handler({"message": "a reader out of turn failed", "exception": error})


class _OutOfTurn:
    def __init__(self, loop: PromptLoop) -> None:
        self.add_reader = loop.add_prompt_reader
        self.remove_reader = loop.remove_prompt_reader


def out_of_turn(loop: asyncio.AbstractEventLoop) -> Readers:
    """The loop's way to read out of turn; in turn where it has none."""
    return _OutOfTurn(loop) if isinstance(loop, PromptLoop) else loop


def _number(fileobj: Any) -> int:
    number: int = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    return number


def _mask(events: int) -> int:
    mask = select.EPOLLIN if events & selectors.EVENT_READ else 0
    return mask | (select.EPOLLOUT if events & selectors.EVENT_WRITE else 0)


def _whole_milliseconds(timeout_s: float | None) -> float:
    """epoll counts milliseconds: rounded up, so that it never comes back early; -1 for ever."""
    if timeout_s is None:
        return -1
    return math.ceil(timeout_s * 1e3) * 1e-3 if timeout_s > 0 else 0
