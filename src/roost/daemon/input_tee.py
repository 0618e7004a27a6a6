"""A copy of what the child was given on its stdin: bytes that the daemon has written, on their way into a file.

Owns a bounded queue in memory: input passes through no ring. Full, it either drops its oldest bytes, counted and marked
where they are missing, or (block) lets no further input reach the child until there is room. What a killed daemon had
in the queue is in no file and in no count; the next daemon's status says `uncertain`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from roost.core.tee import marker, rotation_cut
from roost.daemon.child_input import ChildInput
from roost.daemon.output_tee import PIECE_BYTES, TeeShell
from roost.daemon.record import TeeRecord
from roost.daemon.tee import MAX_INPUT_CAPACITY_BYTES, MIN_CAPACITY_BYTES, TeeStatus, status_of
from roost.daemon.tee_file import Appended, TeeFile, open_tee_file, reason
from roost.daemon.writer_pool import OneJob


class InputTee(OneJob):
    """Copies one session's input."""

    def __init__(self, child: ChildInput | None, record: TeeRecord, shell: TeeShell) -> None:
        """`child`: None when its input is closed already."""
        super().__init__(shell.pool)
        self.record = record
        self._child = child
        self._blocks = record.block
        self._shell = shell
        self._file: TeeFile | None = None
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._dropped = 0  # directly in front of the queue
        self._size = 0
        self._line_open = True
        self._rotation_due = False
        self._finishing = child is None
        self._ended = record.ended
        self._when_idle: list[Callable[[], None]] = []

    def start(self, file: TeeFile) -> None:
        """Copy from now on into a file that was just opened."""
        self._file = file
        self._size = file.size
        self._line_open = file.size > 0
        if self._child is not None:
            self._child.add_tap(self)
        self._go_on()

    def start_again(self) -> None:
        """Go on in the next daemon, at the end of the file."""
        if self._ended:
            return
        self.record.uncertain = self.record.uncertain or not self.record.clean
        self.record.clean = False
        if self._child is not None:
            self._child.add_tap(self)
        path = self.record.path_bytes

        def reopen() -> TeeFile | str:
            try:
                return open_tee_file(path, append=True)
            except OSError as error:
                return reason(error)

        self._operate(reopen, self._on_reopened)

    def _on_reopened(self, file: TeeFile | str) -> None:
        if isinstance(file, str):
            self._disconnect(file)
            return
        self._file = file
        self._size = file.size
        self._shell.save()
        self._go_on()

    # --- the child's side -----------------------------------------------------------------------------------------

    @property
    def _bound(self) -> int:
        wanted = self.record.capacity_bytes or MAX_INPUT_CAPACITY_BYTES
        return min(max(wanted, MIN_CAPACITY_BYTES), MAX_INPUT_CAPACITY_BYTES)

    @property
    def full(self) -> bool:
        """Whether no more input may reach the child now."""
        return self._blocks and not self._ended and self._queued >= self._bound

    def took(self, data: bytes) -> None:
        """The child was given that."""
        if self._ended or self._finishing:
            if self.record.error:
                self.record.missed += len(data)
            return
        self._queue.append(data)
        self._queued += len(data)
        if not self._blocks:
            self._drop_oldest()
        self._go_on()

    def _drop_oldest(self) -> None:
        while self._queued > self._bound:
            oldest = self._queue.popleft()
            excess = self._queued - self._bound
            if len(oldest) > excess:
                self._queue.appendleft(oldest[excess:])
            lost = min(len(oldest), excess)
            self._queued -= lost
            self._dropped += lost
            self.record.missed += lost

    def input_closed(self) -> None:
        """There will be no more input."""
        self._child = None
        self._finishing = True
        self._go_on()

    # --- the file's side ------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Start the next file operation if there is anything to do, else tell whoever waits for that."""
        if self._busy:
            return
        if self._file is not None:
            self._start_next(self._file)
        if not self._busy:
            callbacks, self._when_idle = self._when_idle, []
            for callback in callbacks:
                callback()

    def _start_next(self, file: TeeFile) -> None:
        if self._ended:
            self._close_file()
        elif self._rotation_due:
            keep = self.record.keep
            self._operate(lambda: file.rotate(keep), self._on_rotated)
        elif self._queue:
            self._write()
        elif self._finishing:
            self.record.closed = True
            self._stop()
            self._shell.save()

    def _write(self) -> None:
        data = b"".join(self._queue)[:PIECE_BYTES]
        text = marker(self._dropped) if self._dropped and self.record.markers else b""
        file = self._file
        assert file is not None
        if self.record.rotate_bytes and file.regular:
            count, self._rotation_due = rotation_cut(
                data, self._size + len(text), self.record.rotate_bytes, line_open=self._line_open
            )
            data = data[:count]
        payload = text + data
        self._take(len(data))
        self._dropped = 0
        if payload:
            self._line_open = not payload.endswith(b"\n")
        self._operate(lambda: file.append(payload, None), lambda done: self._on_written(len(text), len(data), done))

    def _take(self, count: int) -> None:
        """Remove so much from the front of the queue; whoever is held back may go on."""
        self._queued -= count
        while count:
            first = self._queue.popleft()
            if len(first) > count:
                self._queue.appendleft(first[count:])
            count -= min(count, len(first))
        if self._child is not None:
            self._child.tap_has_room()

    def _on_written(self, marker_bytes: int, data_bytes: int, done: Appended) -> None:
        copied = max(0, done.written - marker_bytes)
        self._size += done.written
        self.record.written += copied
        if done.error:
            self.record.missed += data_bytes - copied
            self._disconnect(done.error)
            return
        self._go_on()

    def _on_rotated(self, error: str) -> None:
        assert self._file is not None
        self._rotation_due = False
        self._size = 0 if error else self._file.size  # after a failure: another try a whole file later
        self._line_open = False
        self._go_on()

    # --- the end --------------------------------------------------------------------------------------------------

    def _disconnect(self, error: str) -> None:
        if not self._ended:
            self.record.error = error
            self.record.missed += self._queued
            self._stop()
            self._shell.save()
        self._go_on()

    def _stop(self) -> None:
        self._ended = True
        self._queue.clear()
        self._queued = 0
        child = self._child
        if child is not None:
            if not self.record.error:  # a disconnected tee goes on counting
                child.remove_tap(self)
            child.tap_has_room()
        if not self._busy:
            self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._shell.pool.submit(file.close, lambda _: None)

    def finish(self, then: Callable[[], None]) -> None:
        """Write what was taken up to now, close the file, then call back."""
        if self._ended:
            then()
            return
        self._finishing = True
        self._when_idle.append(then)
        self._go_on()

    def release(self) -> None:
        """Hold no sender back from now on."""
        self._blocks = False
        if self._child is not None:
            self._child.tap_has_room()

    def give_up(self) -> None:
        """Stop without the rest; senders that were held back may go on."""
        if not self._ended:
            self.record.missed += self._queued
            self._stop()

    def quiesce(self, then: Callable[[], None]) -> None:
        """Write what was taken, as nobody else can, then call back."""

        def quiet() -> None:
            self.record.clean = not self._queued
            then()

        if self._ended or not (self._busy or self._queue):
            quiet()
        else:
            self._when_idle.append(quiet)

    def close(self) -> None:
        """The session goes away."""
        self._ended = True
        self._child = None
        if not self._busy:
            self._close_file()

    def status(self) -> TeeStatus:
        """How it is doing."""
        return status_of(self.record, self.record.missed)
