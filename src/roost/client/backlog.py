"""Gathering retained output page by page: a ring may hold more than one response can carry."""

from __future__ import annotations

from roost.client.calls import Call, read_logs
from roost.model.sessions import Backlog


class BacklogGathering:
    """One `backlog`: ask for `next_call` and `add` its answer until it is `complete`.

    It ends where the stream stood at the first page. When the ring laps it in between, what came before the hole is
    given up and counted as missed: the data has no hole.
    """

    __slots__ = ("_first", "_last", "_missed", "_pages", "_request", "_start", "complete")

    def __init__(self, target: str, stream: str, from_offset: int | None, tail_bytes: int | None) -> None:
        self._request = (target, stream, from_offset, tail_bytes)
        self._pages: list[bytes] = []
        self._first: Backlog | None = None
        self._last = Backlog()
        self._start = 0
        self._missed = 0
        self.complete = False

    def next_call(self) -> Call[Backlog]:
        """The call for the next page."""
        target, stream, from_offset, tail_bytes = self._request
        if self._first is None:
            return read_logs(target, stream=stream, from_offset=from_offset, tail_bytes=tail_bytes)
        return read_logs(target, stream=stream, from_offset=self._last.next_offset)

    def add(self, page: Backlog) -> None:
        """Takes the answer to it."""
        if self._first is None:
            self._first = page
            self._start = page.start_offset
            self._missed = page.missed
        elif page.missed:
            self._missed += sum(map(len, self._pages)) + page.missed
            self._pages.clear()
            self._start = page.start_offset
        self._pages.append(page.data)
        self._last = page
        self.complete = not page.data or page.next_offset >= self._first.end_offset

    def backlog(self) -> Backlog:
        """All of it."""
        data = b"".join(self._pages)
        last = self._last
        return Backlog(
            data=data,
            start_offset=self._start,
            next_offset=self._start + len(data),
            end_offset=last.end_offset,
            missed=self._missed,
            exited=last.exited,
            exit_offset=last.exit_offset,
            closed=last.closed,
        )
