"""A copy of an output stream in a file: a cursor on the ring and a file that is written in another thread.

Owns the cursor, the order of "save, then write" from `roost.core.tee`, and what counts as missed. There is no queue:
the ring holds what is not written yet, and the stream's turn never waits for the file. At most one file operation is
under way; in the meantime the ring may run ahead. A tee that has fallen further behind than it may skips the oldest
bytes, counts and marks them; a blocking one holds the ring like a lossless client instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from roost.core.tee import Place, gap_marker, resume, rotation_cut
from roost.daemon.record import TeeRecord
from roost.daemon.stream import Stream
from roost.daemon.tee import MIN_CAPACITY_BYTES, TeeStatus, status_of
from roost.daemon.tee_file import Appended, Found, Identity, TeeFile, find_tee_file, reason
from roost.daemon.writer_pool import OneJob, WriterPool

#: What is copied out of the ring for one write.
PIECE_BYTES = 512 * 1024
#: The place is saved at least this often; only a file whose size says nothing (somebody else changed it) needs it.
SAVE_EVERY_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class TeeShell:
    """What a tee needs of the daemon. `save_then(done)` calls back when the keeper has the record."""

    pool: WriterPool
    save: Callable[[], None]
    save_then: Callable[[Callable[[], None]], None]


class OutputTee(OneJob):
    """Copies one stream of one session."""

    def __init__(self, stream: Stream, record: TeeRecord, shell: TeeShell) -> None:
        super().__init__(shell.pool)
        self.stream = stream
        self.record = record
        self.lossless = record.block and not record.ended
        self._ring = stream.ring
        self._shell = shell
        self._file: TeeFile | None = None
        self._sent_to = record.offset  # where the piece under way ends
        self._floor: int | None = None  # the hold until it is known where to go on
        self._until: int | None = None
        self._rotation_due = False
        self._rotate_from = 0  # no rotation below this size, after one has failed
        self._line_open = True
        self._unsaved = 0
        self._quiet = False
        self._ended = record.ended
        self._when_quiet: list[Callable[[], None]] = []
        self._when_ended: list[Callable[[], None]] = []

    # --- beginnings -----------------------------------------------------------------------------------------------

    def start(self, file: TeeFile) -> None:
        """Copy from the record's offset into a file that was just opened."""
        self._file = file
        self._line_open = file.size > 0
        self.stream.add(self)

    def start_again(self) -> None:
        """Go on where the previous daemon's tee was, as soon as the file has told where that is."""
        if self._ended:
            return
        saved = self._saved_offset()
        hold = self._ring.hold
        self._floor = hold if hold is not None else max(saved, self._ring.start)
        self._busy = True
        self.stream.add(self)
        path, identity = self.record.path_bytes, Identity(self.record.device, self.record.inode)

        def find() -> Found | str:
            try:
                return find_tee_file(path, identity)
            except OSError as error:
                return reason(error)

        self._shell.pool.submit(find, self._on_found)

    def _saved_offset(self) -> int:
        return self.record.offset if self.record.gap_to is None else self.record.gap_to

    def _on_found(self, found: Found | str) -> None:
        self._busy = False
        if isinstance(found, str):
            self._floor = None
            self._settle(lambda: self._disconnect(found))
            return
        self._file = found.file
        if self._ended:
            self._close_file()
            return
        record, place = self.record, self._place()
        at = None
        if found.known_size is not None and found.file.regular and not record.shared:
            at = resume(place, found.known_size, self._ring.end, markers=record.markers)
        same_file = found.file.identity == Identity(record.device, record.inode)
        if at is not None and same_file and at.marker_rest:
            self._append(at.marker_rest, found.size, lambda done: self._on_marker_completed(place, done))
            self._floor = None
            return
        if at is None:  # somebody else writes there, or changed or removed the file: what was saved is all there is
            record.uncertain = True
            offset = min(max(self._saved_offset(), self._ring.start), self._ring.end)
        else:
            offset = at.offset
            record.written += offset - self._saved_offset()
        record.gap_to = None
        record.offset, record.size = offset, found.size
        self._floor = None
        self._note_file(found.file)
        self._save_then_go_on()

    def _on_marker_completed(self, place: Place, done: Appended) -> None:
        assert place.gap_to is not None
        self.record.size = place.size + len(gap_marker(place, markers=True))
        self.record.offset, self.record.gap_to = place.gap_to, None
        self._line_open = False
        self._after_write(done)

    def _note_file(self, file: TeeFile) -> None:
        self.record.device, self.record.inode = file.identity.device, file.identity.inode

    def _place(self) -> Place:
        return Place(self.record.size, self.record.offset, self.record.gap_to)

    # --- the stream's side ----------------------------------------------------------------------------------------

    @property
    def blocked(self) -> bool:
        """Whether a file operation is under way."""
        return self._busy or self._quiet

    def hold_offset(self) -> int:
        """The least offset that is not in the file."""
        return self._floor if self._floor is not None else self._saved_offset()

    def pump(self) -> bool:
        """Start the next file operation, if there is anything to do; it never goes on within the same turn."""
        if self._busy or self._ended or self._quiet:
            return False
        if self._rotation_due:
            self._rotate()
            return False
        closed, end = self._ring.closed, self._ring.end  # in this order: nothing follows a closed stream
        limit = end if self._until is None else min(self._until, end)
        offset = self.record.offset
        if offset >= limit:
            if closed or self._until is not None:
                self._end()
            return False
        data = self._ring.read(offset, PIECE_BYTES) if self.lossless or end - offset <= self._reach else None
        if data is None:
            self._skip(limit)
        else:
            self._copy(data[: limit - offset])
        return False

    @property
    def _reach(self) -> int:
        """How far behind it may fall."""
        wanted = max(self.record.capacity_bytes or self._ring.capacity, MIN_CAPACITY_BYTES)
        return min(wanted, self._ring.capacity)

    def _copy(self, data: bytes, *, marker: bytes = b"") -> None:
        """Write a piece (the next in the stream), as much as still goes into this file."""
        record = self.record
        size = record.size + len(marker)
        assert self._file is not None
        if record.rotate_bytes and self._file.regular:
            most = max(record.rotate_bytes, self._rotate_from)
            count, self._rotation_due = rotation_cut(data, size, most, line_open=self._line_open)
            data = data[:count]
        payload = marker + data
        if not payload:
            self._pass_gap()
            self._rotate()
            return
        self._line_open = not payload.endswith(b"\n")
        self._sent_to = self._saved_offset() + len(data)
        self._append(payload, record.size, lambda done: self._on_written(payload, len(marker), done))

    def _append(self, payload: bytes, expected: int | None, done: Callable[[Appended], None]) -> None:
        file = self._file
        assert file is not None
        self._operate(lambda: file.append(payload, expected), done)

    def _on_written(self, payload: bytes, marker_bytes: int, done: Appended) -> None:
        record = self.record
        if done.found_size is not None:
            self._believe_size(done.found_size, payload, marker_bytes)
            return
        copied = max(0, done.written - marker_bytes)
        self._pass_gap()  # also after an error inside the marker: its bytes are missed, whatever is said about them
        record.size += done.written
        record.offset += copied
        record.written += copied
        self._unsaved += copied
        if self._unsaved >= SAVE_EVERY_BYTES or record.shared:
            self._save()
        self._after_write(done)

    def _believe_size(self, size: int, payload: bytes, marker_bytes: int) -> None:
        """Somebody else wrote into the file or cut it: say so to the keeper, then write without another look."""
        self.record.size = size
        self._busy = True
        self._save_then(lambda: self._append(payload, None, lambda done: self._on_written(payload, marker_bytes, done)))

    def _pass_gap(self) -> None:
        self.record.offset, self.record.gap_to = self._saved_offset(), None

    def _after_write(self, done: Appended) -> None:
        if done.error and not self._ended:
            self._disconnect(done.error)
        else:
            self._settle(self.stream.turn_soon)

    # --- losses ---------------------------------------------------------------------------------------------------

    def _skip(self, limit: int) -> None:
        """Leave out what was overwritten, or what is further back than it may be: counted, saved, then marked."""
        ring = self._ring
        to = min(max(ring.start, self.record.offset, ring.end - self._reach), limit)
        data = ring.read(to, PIECE_BYTES)
        if data is None:  # the writer is fast: leave it some room
            to = min(ring.start + ring.capacity // 8, limit)
            data = ring.read(to, PIECE_BYTES) or b""
        data = data[: limit - to]
        record = self.record
        record.gap_to = to
        record.missed += to - record.offset
        marker = gap_marker(self._place(), markers=record.markers)
        self._sent_to = to
        self._busy = True
        self._save_then(lambda: self._write_gap(marker, data))

    def _write_gap(self, marker: bytes, data: bytes) -> None:
        if marker or data:
            self._copy(data, marker=marker)
            return
        self._pass_gap()
        self._settle(self.stream.turn_soon)

    # --- rotation -------------------------------------------------------------------------------------------------

    def _rotate(self) -> None:
        file, keep = self._file, self.record.keep
        assert file is not None
        self._operate(lambda: file.rotate(keep), self._on_rotated)

    def _on_rotated(self, error: str) -> None:
        assert self._file is not None
        self._rotation_due = False
        if error:  # keep the bytes rather than the sizes: go on in this file, and try again later
            self._rotate_from = self.record.size + self.record.rotate_bytes
            self._settle(self.stream.turn_soon)
            return
        self._rotate_from = 0
        self.record.size = self._file.size
        self._line_open = False
        self._note_file(self._file)
        self._save_then_go_on()

    # --- one operation at a time ----------------------------------------------------------------------------------

    def _save(self) -> None:
        self._unsaved = 0
        self._shell.save()

    def _save_then(self, then: Callable[[], None]) -> None:
        """Save and go on when the keeper has it, unless that has become pointless meanwhile."""

        def saved() -> None:
            self._busy = False
            self._settle(then)

        self._busy = True
        self._unsaved = 0
        self._shell.save_then(saved)

    def _save_then_go_on(self) -> None:
        self._save_then(self.stream.turn_soon)

    def _settle(self, otherwise: Callable[[], None]) -> None:
        """Between two operations: stop here if that was asked for, else go on."""
        if self._ended:
            self._close_file()
        elif not self._quiet:
            otherwise()
            return
        callbacks, self._when_quiet = self._when_quiet, []
        for callback in callbacks:
            callback()

    # --- the end --------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Everything is written."""
        self.record.closed = True
        self._stop()
        self._save()

    def _disconnect(self, error: str) -> None:
        """The file takes no more: what follows is missed."""
        self.record.error = error
        self._stop()
        self._save()

    def _stop(self) -> None:
        self._ended = True
        self.stream.remove(self)
        self.lossless = False
        if not self._busy:
            self._settle(lambda: None)
        callbacks, self._when_ended = self._when_ended, []
        for callback in callbacks:
            callback()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._shell.pool.submit(file.close, lambda _: None)

    @property
    def ended(self) -> bool:
        """Whether it has written its last byte."""
        return self._ended

    def finish(self, then: Callable[[], None]) -> None:
        """Write what the stream has up to now, close the file, then call back."""
        if self._ended:
            then()
            return
        self._when_ended.append(then)
        self._until = self._ring.end
        self.stream.turn_soon()

    def release(self) -> None:
        """Hold the stream no longer; what is overwritten then is missed like anything else."""
        if self.lossless:
            self.lossless = False
            self.stream.update_hold()

    def give_up(self) -> None:
        """Stop without the rest, which counts as missed; a hold is released. The write under way may still finish."""
        if not self._ended:
            self._stop()

    def quiesce(self, then: Callable[[], None]) -> None:
        """Start nothing more (the next daemon will) and call back when the operation under way is over."""
        self._quiet = True
        if self._busy and not self._ended:
            self._when_quiet.append(then)
        else:
            then()

    def close(self) -> None:
        """The stream goes away: close the file, leave the ring's hold as it is."""
        self._ended = True
        if not self._busy:
            self._close_file()

    def status(self) -> TeeStatus:
        """How it is doing; what is certain to be lost already counts as missed."""
        return status_of(self.record, self.record.missed + self._missed_since())

    def _missed_since(self) -> int:
        if self.record.closed:
            return 0
        end = self._ring.end
        if self.record.error:
            return end - self.record.offset
        if self.lossless:
            return 0
        return max(0, end - self._reach - max(self._sent_to, self._saved_offset()))
