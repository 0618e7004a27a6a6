"""The draining threads: which stream has its turn when. What a turn is stands in `turns`.

Each stream belongs to one thread. A thread sleeps in epoll, keeps a list of streams that may have bytes, and gives each
a bounded turn. System calls give the interpreter lock back, so two threads keep two cores busy.

A kernel fact this rests on (it is tested): a PTY master is watched edge-triggered, because once nobody holds the slave
reads give EIO and a level-triggered epoll would spin, yet the child may open its terminal again. Pipes are watched
level-triggered: a short read of a pipe does not always mean that it is empty (packet mode).

Must not know: sessions, messages, the daemon. It reports what happened to a stream; the control thread acts on it. Only
the control thread closes descriptors, because it also hands them out.
"""

from __future__ import annotations

import _thread
import os
import select

from roost.keeper.echo_look import EchoLook
from roost.keeper.floods import Floods
from roost.keeper.guests import Guests
from roost.keeper.inputs import Input, Inputs
from roost.keeper.parking import Parking
from roost.keeper.pump import Pump
from roost.keeper.readers import wake_sleepers
from roost.keeper.scratch import Scratch
from roost.keeper.signals import block_all
from roost.keeper.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from roost.keeper.guests import Guest
    from roost.keeper.inputs import Mouth
    from roost.keeper.pump import Library
    from roost.keeper.sessions import Stream
    from roost.keeper.turns import Report

_EVENTS_A_POLL = 256
#: While a flood was come to so long ago, this thread does not sleep: no echo is looked for, no guest is served.
FLOOD_S = 0.005
#: How long what many floods need is kept behind the last of them.
_KEPT_S = 1.0

# What is reported of a stream, besides what its turns report.
FORGOTTEN = "forgotten"  # no longer watched, as asked
SETTLED = "settled"  # the turn that was under way when it was asked is over; comes with what is to be done then


class Drain:
    """One draining thread. The public methods may be called from the control thread at any time."""

    def __init__(
        self, wake_fd: int, report: Report, log: Callable[[str], None], library: Library | None = None
    ) -> None:
        """`wake_fd`: an eventfd, also lent to the daemon, which writes it after moving a hold. `library`: of a pump,
        which serves the plain cases. Raises OSError, MemoryError."""
        self.wake_fd = wake_fd
        self.load = 0
        self._report = report
        self._log = log
        self._commands: list[tuple[Callable[[Any], None], Any]] = []
        self._streams: dict[int, Stream] = {}
        self._ready: list[Stream] = []
        self._parking = Parking(self._ignore, lambda stream: wake_sleepers(stream.readers))
        self._stopping = False
        self._stopped = _thread.allocate_lock()
        self._epoll = select.epoll()
        self._epoll.register(wake_fd, select.EPOLLIN)
        self._look = EchoLook()
        self._pump = pump = None if library is None else Pump(library, self._epoll.fileno(), self)
        self._inputs = Inputs(self._epoll, lambda source: report(SETTLED, source.close), self._expect_echo, pump)
        self._scratch = Scratch()
        self._floods = Floods(self._scratch, self._serve, self._guarded_store)
        self._guests = Guests(self._epoll, self._streams, self._expect_echo, self._is_flooded, pump, self._have_pumped)
        self._turns = Turns(
            self._streams, self._scratch, self._floods, self._guests, self._parking, report, self._unwatch, pump
        )

    # --- asked by the control thread -----------------------------------------------------------------------------

    def start(self) -> None:
        """Run until `stop`."""
        self._stopped.acquire()
        _thread.start_new_thread(self._run, ())

    def stop(self) -> None:
        """End the thread at the end of its turn. What it knew of its streams stays in them."""
        self._stopping = True
        self.wake()
        with self._stopped:
            self._carry_out()  # what it did not come to any more
            self._guests.close()
            self._scratch.close()
            if self._pump is not None:
                self._pump.close()
            self._epoll.close()

    def wake(self) -> None:
        """Have the thread look at its commands and its parked streams."""
        os.eventfd_write(self.wake_fd, 1)

    def add(self, stream: Stream) -> None:
        """Take over a stream."""
        self.load += 1
        self._ask(self._on_add, stream)

    def add_fresh(self, stream: Stream) -> None:
        """Take over a stream that never had a thread. This one is not woken for it, only by its first output: epoll
        takes it from any thread, and tells at once of what is there already."""
        assert stream.fd is not None
        self.load += 1
        self._streams[stream.fd] = stream
        self._watch(stream)

    def finish(self, stream: Stream) -> None:
        """The child has exited: drain what it left, then mark the exit offset. Reports MARKED, perhaps CLOSED."""
        self._ask(self._on_finish, stream)

    def forget(self, stream: Stream) -> None:
        """Give a stream up. Reports FORGOTTEN, after which its descriptors can be closed."""
        self.load -= 1
        self._ask(self._on_forget, stream)

    def when_settled(self, then: Callable[[], None]) -> None:
        """Report SETTLED with `then` once no turn can come across what was taken from a stream before this call."""
        self._ask(self._on_settled, then)

    def type_from(self, mouth: Mouth, source: Input) -> None:
        """Give what comes from there to the terminal, from now on."""
        self._ask(self._on_type_from, (mouth, source))

    def stop_typing(self, mouth: Mouth, source: Input, *, finishing: bool) -> None:
        """Do so no more; `finishing`: but first with what is there already, as far as the terminal takes it."""
        self._ask(self._on_stop_typing, (mouth, source, finishing))

    def add_guest(self, guest: Guest) -> None:
        """Serve that client's connection while it is lent."""
        self._ask(self._guests.add, guest)

    def remove_guest(self, guest: Guest) -> None:
        """Do so no more: whoever has lent it has it back once this is settled."""
        self._ask(self._guests.remove, guest)

    def know_readers(self, stream: Stream) -> None:
        """The stream's local readers are others now."""
        if self._pump is not None:
            self._ask(self._on_readers, stream)

    def _ask(self, command: Callable[[Any], None], subject: Any) -> None:
        self._commands.append((command, subject))
        self.wake()

    # --- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        block_all()
        poll = self._epoll.poll if self._pump is None else self._pump.poll
        streams, wake_fd, look = self._streams, self.wake_fd, self._look
        guests = self._guests.by_fd
        while not self._stopping:
            events = poll(self._timeout_s(), _EVENTS_A_POLL)
            if not events:
                self._on_nothing(look)
            for fd, _ in events:
                stream = streams.get(fd)
                if stream is not None:
                    if stream.is_ready:
                        continue
                    if stream.floods and self._floods.are_many:
                        self._floods.put(stream)  # read together with the others
                    else:
                        self._serve(stream)
                elif fd == wake_fd:
                    self._on_wake()
                elif fd in guests:
                    self._guarded_guest(guests[fd])
                else:
                    self._guarded_input(fd)
            if self._parking:
                for stream in self._parking.leave():
                    self._go_on(stream)
            # Streams that just woke come before those in the middle of a flood.
            if self._ready:
                fresh, self._ready = self._ready, []
                for stream in fresh:
                    self._serve(stream)
            if self._floods.waiting:
                self._floods.serve()
        self._stopped.release()

    def _serve(self, stream: Stream) -> None:
        stream.is_ready = False
        if self._pump is None or not self._have_pumped(stream):
            self._serve_here(stream)

    def _serve_here(self, stream: Stream) -> None:
        if stream is self._look.stream:
            self._look.found()
        if stream.is_parked:
            return
        try:
            more = self._turns.turn(stream)
        except Exception as error:  # noqa: BLE001 - the edge of the thread: one stream's fault must not stop the others
            self._on_fault(stream, error)
            return
        if self._pump is not None and self._have_pumped(stream, is_ready=more):
            return
        if more and not stream.is_ready:
            self._floods.put(stream)

    def _guarded_store(self, stream: Stream, piece: memoryview) -> bool:
        try:
            return self._turns.store(stream, piece)
        except Exception as error:  # noqa: BLE001 - as above
            self._on_fault(stream, error)
            return False

    def _on_fault(self, stream: Stream, error: Exception) -> None:
        self._log(f"fault while draining {stream.session_id} {stream.name}: {type(error).__name__}: {error}")
        self._turns.rest(stream)

    def _guarded_input(self, fd: int) -> None:
        try:
            self._inputs.serve(fd)
        except Exception as error:  # noqa: BLE001 - as above: one input's fault must not stop the others
            self._log(f"fault in an input: {type(error).__name__}: {error}")
            self._inputs.give_up(fd)

    def _expect_echo(self, stream: Stream) -> None:
        """A keystroke was typed: look for what comes back, unless floods keep this core awake anyway."""
        if self._pump is not None or stream.is_ready or self._floods.within(FLOOD_S) or not self._look.pays_off():
            return
        end = stream.writer.end
        self._serve(stream)  # nothing, most likely: but the way out is in the processor's caches when the echo comes
        if stream.writer.end == end:
            self._look.begin(stream)

    def _guarded_guest(self, guest: Guest) -> None:
        if self._pump is not None:  # told of before it was lent anew; the pump sees for itself
            return
        try:
            self._guests.serve(guest)
        except Exception as error:  # noqa: BLE001 - as above: the daemon has it back and sees for itself
            self._log(f"fault in a guest of {guest.stream.session_id}: {type(error).__name__}: {error}")
            self._turns.take_leave(guest.stream)

    def _is_flooded(self) -> bool:
        """Whether a keystroke would wait in this thread for floods of others."""
        return self._pump is None and self._floods.within(FLOOD_S)

    # --- the pump ----------------------------------------------------------------------------------------------------

    def _have_pumped(self, stream: Stream, *, is_ready: bool = True) -> bool:
        """Leave a stream to the pump (`is_ready`: there may be something of it); False where it is no plain case."""
        if stream.is_pumped:
            return True
        if self._pump is None or stream.fd not in self._streams:
            return False
        if stream.finishing or stream.late or stream.is_parked or stream.pending:
            return False
        self._floods.remove(stream)
        stream.is_ready = False
        stream.is_pumped = self._pump.take(stream, is_ready=is_ready)
        return stream.is_pumped

    def on_left(self, fd: int, data: bytes) -> None:
        """The pump has left a stream; the data was read of it and could not be stored."""
        stream = self._streams[fd]
        stream.is_pumped = False
        if data:
            stream.pending = data
            self._turns.rest(stream)
        else:
            self._serve_here(stream)  # where it shows what was not plain

    def on_input_left(self, fd: int, data: bytes) -> None:
        """The pump has left an input; the data was read of it and not typed."""
        try:
            self._inputs.left(fd, data)
        except Exception as error:  # noqa: BLE001 - the edge of the thread: as for streams
            self._log(f"fault in an input: {type(error).__name__}: {error}")
            self._inputs.give_up(fd)

    def on_guest_back(self, fd: int) -> None:
        """The pump has given a guest back to the daemon."""
        self._guests.is_back(fd)

    def _on_readers(self, stream: Stream) -> None:
        if stream.is_pumped and self._pump is not None:
            self._pump.know_readers(stream)

    # --- between turns -----------------------------------------------------------------------------------------------

    def _timeout_s(self) -> float:
        if self._ready or self._floods.waiting or self._look.stream is not None:
            return 0
        timeout_s = self._parking.timeout_s() if self._parking else -1
        if self._scratch.is_large and not 0 <= timeout_s < _KEPT_S:
            return _KEPT_S
        return timeout_s

    def _on_nothing(self, look: EchoLook) -> None:
        """The kernel has nothing for this thread at the moment."""
        if look.stream is not None:
            look.give_way()
        elif self._scratch.is_large and not self._floods.within(_KEPT_S):
            self._scratch.shrink()

    def _make_ready(self, stream: Stream) -> None:
        if not stream.is_ready:
            stream.is_ready = True
            self._ready.append(stream)

    def _on_wake(self) -> None:
        try:
            os.eventfd_read(self.wake_fd)
        except BlockingIOError:
            pass
        self._carry_out()
        self._guests.look()

    def _carry_out(self) -> None:
        while self._commands:
            command, subject = self._commands.pop(0)
            try:
                command(subject)
            except Exception as error:  # noqa: BLE001 - as above: the thread has other streams, and other commands
                self._log(f"fault in a command to a draining thread: {type(error).__name__}: {error}")

    # --- commands --------------------------------------------------------------------------------------------------

    def _on_add(self, stream: Stream) -> None:
        # After a re-exec, or one that failed, the stream may still say what an earlier thread knew of it.
        stream.is_ready = stream.is_parked = stream.is_pumped = stream.finishing = False
        stream.floods = 0
        stream.retry_at = stream.retry_delay_s = 0.0
        stream.guest = None
        stream.writer.set_stalled(False)
        if stream.fd is None:
            return
        self._streams[stream.fd] = stream
        self._watch(stream)
        if stream.mouth is not None:
            self._inputs.resume(stream.mouth)
        if stream.pending:  # kept over a re-exec
            self._turns.rest(stream)
        else:
            self._make_ready(stream)

    def _on_finish(self, stream: Stream) -> None:
        if self._turns.begin_end(stream):
            self._make_ready(stream)

    def _on_forget(self, stream: Stream) -> None:
        self._unwatch(stream)
        for guest in stream.guests:
            self._guests.remove(guest)
        self._report(FORGOTTEN, stream)

    def _on_type_from(self, subject: tuple[Mouth, Input]) -> None:
        mouth, source = subject
        if mouth.stream.fd in self._streams:
            self._inputs.add(mouth, source)
        else:  # the terminal was closed meanwhile
            self._report(SETTLED, source.close)

    def _on_stop_typing(self, subject: tuple[Mouth, Input, bool]) -> None:
        mouth, source, finishing = subject
        self._inputs.remove(mouth, source, finishing=finishing)

    def _on_settled(self, then: Callable[[], None]) -> None:
        self._report(SETTLED, then)

    def _watch(self, stream: Stream) -> None:
        assert stream.fd is not None
        events = select.EPOLLIN | (select.EPOLLET if stream.is_pty else 0)
        self._epoll.register(stream.fd, events)

    def _ignore(self, stream: Stream) -> None:
        assert stream.fd is not None
        self._epoll.unregister(stream.fd)
        self._floods.note(stream, 0)

    def _unwatch(self, stream: Stream) -> None:
        if stream.fd is None or self._streams.pop(stream.fd, None) is None:
            return
        self._turns.take_leave(stream)
        if stream.mouth is not None:
            self._inputs.remove_all(stream.mouth)
        if stream.is_parked:
            self._parking.remove(stream)
        else:
            self._ignore(stream)
        if stream.is_ready:
            self._ready = [other for other in self._ready if other is not stream]
            stream.is_ready = False
        self._floods.remove(stream)

    # --- parked streams ----------------------------------------------------------------------------------------------

    def _go_on(self, stream: Stream) -> None:
        """It is parked no more."""
        self._watch(stream)
        self._make_ready(stream)
        if stream.finishing:  # the time without room does not count
            self._turns.begin_deadline(stream)
