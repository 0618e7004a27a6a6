"""What a draining thread does while nothing special happens, as compiled code: `native/`, of which this is the outside.

Owns how the library is found and called. A pump stands in the place of epoll's `poll`: it serves what it was given, and
says what is left to the thread. What it serves, and why so, is written in `turns`, `scratch`, `floods`, `inputs` and
`guests`, which do the same where there is no such library: the build leaves it out without a compiler, and one that was
built from other sources than those beside it is not used. ROOST_NATIVE=0 does without it.

Not thread-safe: a pump belongs to one thread, which holds everything that it was given an address of until it is taken
back. Must not know: what streams, inputs and guests are for.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import PyDLL
    from typing import Protocol

    from roost.keeper.guests import Guest
    from roost.keeper.inputs import Input, Mouth
    from roost.keeper.sessions import Stream

    class Owner(Protocol):
        """Whose pump it is: what is left to it, each at once when it happened."""

        def on_left(self, fd: int, data: bytes) -> None:
            """A stream is no longer served; the data was read of it and could not be stored."""

        def on_input_left(self, fd: int, data: bytes) -> None:
            """An input is no longer served; the data was read of it and not typed."""

        def on_guest_back(self, fd: int) -> None:
            """A guest was given back to the daemon, which was told so."""


_HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(_HERE, "native")
LIBRARY = os.path.join(os.path.dirname(_HERE), "assets", "native", "pump.so")

_PRIME = (1 << 32) - 5
_TOLD_LOOK, _TOLD_LEFT, _TOLD_INPUT = 0, 1, 2
_TOLD_BYTES = 24
#: What became of a loan.
NOT_LENT, LENT, LENT_AND_BACK = 0, 1, 2


def stamp(sources: str) -> int:
    """What a library that was built from these sources says of itself: their remainder, as one long number.

    No checksum of the standard library's, as each brings another library into the keeper's memory.
    """
    texts = []
    for name in sorted(os.listdir(sources)):
        if name.endswith((".c", ".h")):
            with open(os.path.join(sources, name), "rb") as file:
                texts.append(file.read())
    return int.from_bytes(b"\0".join(texts), "big") % _PRIME


class Library:
    """The library, loaded. Its short calls keep the interpreter, `wait` lets it go."""

    def __init__(self, path: str) -> None:
        """Raises OSError, ImportError, AttributeError where it cannot be loaded or is another."""
        import ctypes

        self.types = ctypes
        self.calls = calls = ctypes.PyDLL(path)
        self.wait = ctypes.CDLL(path).pump_wait
        calls.pump_stamp.restype = ctypes.c_uint32
        if calls.pump_stamp() != stamp(SOURCES):
            raise OSError(f"{path} was built from other sources")
        number, address, flag, word = ctypes.c_int, ctypes.c_void_p, ctypes.c_bool, ctypes.c_uint64
        self.wait.argtypes = [address, number, ctypes.POINTER(address)]
        for name, result, arguments in (
            ("new", address, [number]),
            ("free", None, [address]),
            ("take", flag, [address, number, number, number, address, flag, flag]),
            ("leave", None, [address, number]),
            ("readers", None, [address, number, address, number]),
            ("type", flag, [address, number, number, number, number, address, address, address]),
            ("stop_typing", None, [address, number]),
            ("lend", number, [address, number, number, address, word, word, word]),
            ("unlend", None, [address, number]),
        ):
            call = getattr(calls, f"pump_{name}")
            call.restype, call.argtypes = result, arguments

    def address_of(self, words: memoryview[int]) -> int:
        """Where they stand, for as long as their owner keeps them, which this does not."""
        return self.types.addressof(self.types.c_char.from_buffer(words))


def load() -> Library | None:
    """The library, where there is one for these sources."""
    if os.environ.get("ROOST_NATIVE") == "0" or not os.path.exists(LIBRARY):
        return None
    try:
        return Library(LIBRARY)
    except (OSError, ImportError, AttributeError):
        return None


class Pump:
    """The pump of one thread."""

    def __init__(self, library: Library, epoll_fd: int, owner: Owner) -> None:
        """Raises MemoryError."""
        self._library = library
        self._calls: PyDLL = library.calls
        self._owner = owner
        self._told = library.types.c_void_p()
        self._pump = self._calls.pump_new(epoll_fd)
        if not self._pump:
            raise MemoryError("no memory for a pump")

    def close(self) -> None:
        """Give its memory back. Serves nobody any more, and has nothing that could be called."""
        self._calls.pump_free(self._pump)
        del self._pump

    def poll(self, timeout_s: float, _most: int) -> list[tuple[int, int]]:
        """As epoll's `poll`, for descriptors that are not served here, and for what is left. All else is done then."""
        timeout_ms = -1 if timeout_s < 0 else int(timeout_s * 1000 + 0.999)
        count = self._library.wait(self._pump, timeout_ms, self._told)
        return self._tell(count) if count else []

    def _tell(self, count: int) -> list[tuple[int, int]]:
        memory = self._library.types.string_at(self._told.value or 0, count * _TOLD_BYTES)
        words = memoryview(memory).cast("Q")
        numbers = memoryview(memory).cast("i")
        owner, events = self._owner, []
        for index in range(count):
            fd, what = numbers[index * 6], numbers[index * 6 + 1]
            address, length = words[index * 3 + 1], words[index * 3 + 2]
            data = self._library.types.string_at(address, length) if length else b""
            if what == _TOLD_LOOK:
                events.append((fd, 0))
            elif what == _TOLD_LEFT:
                owner.on_left(fd, data)
            elif what == _TOLD_INPUT:
                owner.on_input_left(fd, data)
            else:
                owner.on_guest_back(fd)
        return events

    # --- streams -----------------------------------------------------------------------------------------------------

    def take(self, stream: Stream, *, is_ready: bool) -> bool:
        """Serve a stream that the epoll has; False where there is no memory for it."""
        words = self._library.address_of(stream.writer.header)
        fd = stream.fd
        if not self._calls.pump_take(self._pump, fd, stream.ring_fd, stream.event_fd, words, stream.is_pty, is_ready):
            return False
        if stream.readers:
            self.know_readers(stream)
        return True

    def know_readers(self, stream: Stream) -> None:
        """Say who reads a stream locally, after each change and before what has gone is closed."""
        address_of = self._library.address_of
        pairs = [number for reader in stream.readers for number in (address_of(reader.words), reader.wake_fd)]
        words = (self._library.types.c_uint64 * len(pairs))(*pairs)
        self._calls.pump_readers(self._pump, stream.fd, self._library.types.addressof(words), len(pairs) // 2)

    def leave(self, fd: int) -> None:
        """Serve that stream no more; its guest has been taken back."""
        self._calls.pump_leave(self._pump, fd)

    # --- inputs and guests -------------------------------------------------------------------------------------------

    def type(self, mouth: Mouth, source: Input) -> None:
        """Type what comes from there, which the epoll has. Without memory for it the thread goes on to do so."""
        address_of, stream = self._library.address_of, mouth.stream
        self._calls.pump_type(
            self._pump,
            source.fd,
            mouth.fd,
            stream.fd,
            stream.event_fd,
            address_of(stream.writer.header),
            address_of(source.words),
            address_of(source.count),
        )

    def stop_typing(self, fd: int) -> None:
        """Do so no more."""
        self._calls.pump_stop_typing(self._pump, fd)

    def lend(self, guest: Guest, loan: int) -> int:
        """Serve a guest of a stream that is served, for one loan. LENT_AND_BACK: that could not be, of which
        the daemon was told, and nobody else is. NOT_LENT: it is not told either."""
        page = self._library.address_of(guest.words)
        fd = guest.stream.fd
        return int(self._calls.pump_lend(self._pump, guest.fd, fd, page, loan, guest.sent, guest.taken))

    def unlend(self, fd: int) -> None:
        """Do so no more; to give it back is the caller's."""
        self._calls.pump_unlend(self._pump, fd)
