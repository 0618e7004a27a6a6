"""Which inputs of a session the keeper reads itself, and how they are taken back.

Owns the list, by the number of the local reader that has the input, with the resume token of the client it belongs to.
An input counts until the keeper has said that none of it can reach the terminal any more: whoever may not type beside
it is admitted after that. Knows nothing of attachments or of why an input has to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from roost.errors import UnavailableError

#: The keeper answers at once; it is not there any more if it does not.
_ANSWER_S = 10.0

#: Has the keeper drop an input (number, whether what waits in it is to be thrown away) and calls back when it has.
Stop = Callable[[int, bool, Callable[[], None]], None]


class DirectInputs:
    """The inputs of one session."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._tokens: dict[int, str] = {}
        self._ending: dict[int, asyncio.Event] = {}

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def begin(self, reader: int, token: str) -> None:
        """That client types through the keeper; at adoption with no token for an input that is nobody's."""
        self._tokens[reader] = token

    def tokens(self) -> set[str]:
        """Whose inputs there are; "" for those that are nobody's."""
        return set(self._tokens.values())

    def end(self, tokens: Iterable[str], *, discarding: bool) -> list[asyncio.Event]:
        """Take the inputs of those clients back; what has to be waited for, if it matters when that is done.

        `discarding`: what waits in them is thrown away; otherwise the terminal is given what it takes at once.
        """
        wanted = set(tokens)
        return [self._end(reader, discarding) for reader, token in tuple(self._tokens.items()) if token in wanted]

    def _end(self, reader: int, discarding: bool) -> asyncio.Event:
        ended = self._ending.get(reader)
        if ended is None:
            ended = self._ending[reader] = asyncio.Event()
        elif not discarding:
            return ended

        def dropped() -> None:
            self._tokens.pop(reader, None)
            gone = self._ending.pop(reader, None)
            if gone is not None:
                gone.set()

        self._stop(reader, discarding, dropped)
        return ended


async def all_ended(events: list[asyncio.Event]) -> None:
    """Wait until the keeper has dropped them. Raises UnavailableError when it does not answer."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            for event in events:
                await event.wait()
    except TimeoutError:
        raise UnavailableError("the keeper did not answer; whoever typed here before may still do so") from None
