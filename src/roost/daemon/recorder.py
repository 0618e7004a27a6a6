"""A recording at work: a cursor on the ring, a clock, and a file that is written in another thread.

Owns when a batch is written, and the beginning and the end (`recording_batches` says what goes into a batch,
`roost.core.recording` makes its lines). There is no queue of output: the ring holds what is not in the file yet, and
only how far the stream was at which moment is noted meanwhile. At most one file operation is under way. A recording
that has fallen further behind than the ring reaches says how much is missing; one with a hold lets the child wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from roost.core.cast import MARKER, RESIZE, size_text
from roost.core.recording import Aside, Checkpoint, Encoded, encode_batch
from roost.core.redaction import Rule
from roost.daemon.cast_file import CastFile, Resumed, Written, resume_cast
from roost.daemon.moments import Moments
from roost.daemon.record import RecordingRecord
from roost.daemon.recorder_shell import RecorderShell, now_us
from roost.daemon.recording_batches import PIECE_BYTES, exit_asides, next_batch
from roost.daemon.session import Session
from roost.daemon.tee_file import Identity, reason
from roost.daemon.write_trouble import WriteTrouble
from roost.errors import InvalidError

#: How long a batch collects. Times in the recording are those of the output, not of the write.
COLLECT_S = 0.2


class Recorder:
    """Records one stream of one session."""

    def __init__(self, session: Session, record: RecordingRecord, rules: Sequence[Rule], shell: RecorderShell) -> None:
        self.session = session
        self.record = record
        self.stream = session.stream(record.stream)
        self.lossless = record.hold and not record.ended
        self._rules = rules
        self._ring = self.stream.ring
        self._shell = shell
        self._file: CastFile | None = None
        self._at = Checkpoint(record.offset, 0, session.rows, session.cols, missed=record.missed)
        self._floor: int | None = None
        self._moments = Moments()
        self._size = (session.rows, session.cols)
        self._undecided: tuple[int, int] | None = None  # nothing can be written until more than this is there
        self._until: int | None = None
        self._busy = False
        self._quiet = False
        self._ended = record.ended
        self._trouble = WriteTrouble()
        self._timer: asyncio.TimerHandle | None = None
        self._when_ended: list[Callable[[], None]] = []
        self._when_quiet: list[Callable[[], None]] = []

    # --- beginnings -----------------------------------------------------------------------------------------------

    def start(self, file: CastFile, at: Checkpoint) -> None:
        """Record from a checkpoint on that stands in a file just made."""
        self._file = file
        self._take_up(at)
        self.stream.add(self)

    def start_again(self) -> None:
        """Go on where the previous daemon's recording was, as soon as the file has told where that is."""
        if self._ended:
            return
        hold = self._ring.hold
        self._floor = hold if hold is not None else max(self.record.offset, self._ring.start)
        self._busy = True
        self.stream.add(self)
        path, identity = self.record.path_bytes, Identity(self.record.device, self.record.inode)

        def find() -> Resumed | str:
            try:
                return resume_cast(path, identity)
            except OSError as error:
                return reason(error)
            except InvalidError as error:
                return error.message

        self._shell.pool.submit(find, self._on_found)

    def _on_found(self, found: Resumed | str) -> None:
        self._busy = False
        self._floor = None
        if isinstance(found, str):
            self._give_up(found)
            return
        self._file = found.file
        if self._ended:
            self._settle()
            return
        if found.checkpoint.offset > self._ring.end:
            self._give_up("the file was changed: it says more than there is")
            return
        self._take_up(found.checkpoint)
        if found.checkpoint.ended:
            self._end()
            return
        self._settle()
        self.stream.turn_soon()

    def _take_up(self, at: Checkpoint) -> None:
        self._at = at
        self._size = (at.rows, at.cols)
        self.record.offset, self.record.missed = at.offset, at.missed

    # --- what is recorded -----------------------------------------------------------------------------------------

    def _clock_us(self) -> int:
        return max(0, now_us() - self.record.t0_us)

    def aside(self, code: str, text: str, offset: int | None = None) -> None:
        """Something that is not output, here or behind the byte at an offset."""
        if self._ended or self._until is not None:
            return
        self._note_progress()
        end = self._ring.end
        at = end if offset is None else min(max(offset, self._at.offset), end)
        if self._moments.add(Aside(at, self._clock_us(), code, text)):
            self._consider()

    def note_size(self) -> None:
        """The terminal has another size."""
        if not self._ended and self._until is None:
            self._note_progress()
            self._consider()

    def _note_progress(self) -> None:
        """Remember when the stream was how long, and what size the terminal has now."""
        end = self._ring.end
        self._moments.grown(end, self._clock_us(), since=self._at.offset)
        size = (self.session.rows, self.session.cols)
        if size != self._size:
            self._size = size
            self._moments.put(Aside(end, self._clock_us(), RESIZE, size_text(*size)))

    # --- the stream's side ----------------------------------------------------------------------------------------

    @property
    def blocked(self) -> bool:
        """Never: moments are noted also while the file is busy."""
        return False

    def hold_offset(self) -> int:
        """The least offset that is not in the file."""
        return self._floor if self._floor is not None else self._at.offset

    def pump(self) -> bool:
        """Take note of what came; start a batch if one is due. It never goes on within the same turn."""
        if not self._ended:
            self._note_progress()
            self._consider()
        return False

    def _consider(self) -> None:
        """Write now, in a moment, or not yet."""
        if self._busy or self._quiet or self._ended or self._file is None or self._trouble.error:
            return
        behind = self._end_offset() - self._at.offset
        if behind >= PIECE_BYTES or self._until is not None:
            self._begin_batch()
        elif (behind > 0 or self._moments) and self._undecided != (self._ring.end, self._moments.count):
            self._wake_in(COLLECT_S)

    def _end_offset(self) -> int:
        return self._ring.end if self._until is None else min(self._until, self._ring.end)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._shell.loop.call_later(seconds, self._timed)

    def _timed(self) -> None:
        self._timer = None
        if not self._busy and not self._quiet and not self._ended and not self.session.forgotten:
            self._begin_batch()

    # --- batches --------------------------------------------------------------------------------------------------

    def _begin_batch(self) -> None:
        file, rules = self._file, self._rules
        assert file is not None
        batch = next_batch(
            self._at,
            self._ring,
            self._moments,
            limit=self._end_offset(),
            until=self._until,
            begin=self.record.begin if self._rules else None,
            returns=not self.session.is_pty,
        )
        seen = (batch.read_from + len(batch.data), self._moments.count)

        def write() -> tuple[Encoded, Written]:
            encoded = encode_batch(batch, rules)
            return encoded, file.write(encoded.lines) if encoded.lines else Written()

        self._busy = True
        self._shell.pool.submit(write, lambda done: self._on_written(seen, *done))

    def _on_written(self, seen: tuple[int, int], encoded: Encoded, written: Written) -> None:
        self._busy = False
        if written.error:
            self._failed(written)
            return
        self._at = at = encoded.checkpoint
        self._undecided = None if encoded.lines else seen
        self._moments.written(encoded)
        self.record.offset, self.record.missed = at.offset, at.missed
        if self._trouble.error:
            self._works_again()
        if self.lossless:
            self.stream.update_hold()
        if at.ended and not self._ended:
            self._end()
            return
        self._settle()
        self._say_dropped()
        if not self._quiet and not self._ended:
            self._consider()

    def _say_dropped(self) -> None:
        dropped = self._moments.take_dropped()
        if dropped:
            self.record.dropped += dropped
            self.aside(MARKER, f"roost: {dropped} events (input, markers) are missing here")

    # --- files that cannot be written -----------------------------------------------------------------------------

    def _failed(self, written: Written) -> None:
        if self._ended:
            self._settle()
            return
        if written.changed:
            self._give_up(written.error)
            return
        if self._trouble.begins(written.error):
            self._release_hold()
            self._shell.announce(True)
        self._settle()
        if not self._quiet:
            self._wake_in(self._trouble.next_pause_s())

    def _works_again(self) -> None:
        self._trouble.over()
        if self.record.hold and not self._ended:
            self.lossless = True
            self.stream.update_hold()
        self._shell.announce(False)

    def _release_hold(self) -> None:
        if self.lossless:
            self.lossless = False
            self.stream.update_hold()

    def _give_up(self, error: str) -> None:
        """The file is lost to us: nothing more is recorded."""
        self.record.error = error
        self._shell.announce(True)
        self._stop()

    # --- the end --------------------------------------------------------------------------------------------------

    def when_ended(self, then: Callable[[], None]) -> None:
        """Have `then` called when nothing more will be written."""
        if self._ended:
            then()
        else:
            self._when_ended.append(then)

    def finish(self, then: Callable[[], None]) -> None:
        """Write what the stream has up to now, close the file, then call back."""
        self.when_ended(then)
        if self._until is None and not self._ended:
            self._until = self._ring.end
            self._consider()

    def on_exited(self, code: int | None, signal_number: int | None) -> None:
        """The child has ended: record the rest of its output, then its exit."""
        if self._ended or self._until is not None:
            return
        self._note_progress()
        exit_offset = self._ring.exit_offset
        self._until = self._ring.end if exit_offset is None else exit_offset
        for aside in exit_asides(self._until, self._clock_us(), code, signal_number):
            self._moments.put(aside)
        self._consider()

    def _end(self) -> None:
        self.record.closed = True
        self._stop()

    def _stop(self) -> None:
        self._ended = True
        self._moments.clear()
        if self._timer is not None:
            self._timer.cancel()
        self.stream.remove(self)
        self.lossless = False
        if not self._busy:
            self._settle()
        self._shell.save()
        callbacks, self._when_ended = self._when_ended, []
        for callback in callbacks:
            callback()

    def _settle(self) -> None:
        """Between two operations: close the file if this was the last, and say that nothing is under way."""
        if self._ended and self._file is not None:
            file, self._file = self._file, None
            self._shell.pool.submit(file.close, lambda _: None)
        callbacks, self._when_quiet = self._when_quiet, []
        for callback in callbacks:
            callback()

    def release(self) -> None:
        """Hold the stream no longer; what is overwritten then is missing like anything else."""
        self._release_hold()

    def give_up(self) -> None:
        """Stop without the rest."""
        if not self._ended:
            self.record.error = self.record.error or self._trouble.error or "stopped before everything was written"
            self._stop()

    def quiesce(self, then: Callable[[], None]) -> None:
        """The daemon leaves: write what there is besides output (that stays in the ring), then call back."""
        if self._moments and not (self._ended or self._trouble.error or self._file is None):
            if self._busy:
                self._when_quiet.append(lambda: self.quiesce(then))
                return
            self._when_quiet.append(lambda: self._rest(then))
            self._begin_batch()
            return
        self._rest(then)

    def _rest(self, then: Callable[[], None]) -> None:
        self._quiet = True
        if self._busy and not self._ended:
            self._when_quiet.append(then)
        else:
            then()

    def close(self) -> None:
        """The session goes away: stop; the ring's hold stays as it is."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if not self._busy:
            self._settle()

    # --- what is told ---------------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether nothing more will be written."""
        return self._ended

    @property
    def dropped_asides(self) -> int:
        """Input and markers that were dropped and not told of in the file yet."""
        return self._moments.dropped

    @property
    def error(self) -> str:
        """Why it cannot be written, now or for good; "" while all is well."""
        return self.record.error or self._trouble.error

    @property
    def state(self) -> str:
        """recording, failing (tried again), failed, closed."""
        if self.record.error:
            return "failed"
        if self.record.closed:
            return "closed"
        return "failing" if self._trouble.error else "recording"

    def status(self) -> RecordingRecord:
        """The record with the present count of missing bytes: also those that are certain to be missing."""
        if self._ended or self.session.forgotten:
            return self.record
        lost = max(0, self._ring.start - self._at.offset)
        return replace(self.record, missed=self.record.missed + lost)
