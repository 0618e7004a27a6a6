"""The terminal that the attach client runs in: raw while attached, and put back however the client ends.

Owns termios, the signals of a terminal client and a trace of what the session did to the screen. Must not know
sessions: whoever uses it moves the bytes.
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import os
import re
import signal
import struct
import termios
from types import FrameType
from typing import Any, Self

from roost.cli.copying import write_all
from roost.cli.titles import Titles
from roost.errors import RoostError

#: Written when nobody can tell which modes were set: those that hurt a shell afterwards go off. The colour, the cursor,
#: the keypad, the mouse, focus reports, bracketed paste, synchronised output, kitty keys.
FALLBACK_RESET = (
    b"\x1b[0m\x1b[?25h\x1b[?1l\x1b>\x1b[?1000;1002;1003;1005;1006;1015l\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[<u"
)
_LEAVE_ALTERNATE = b"\x1b[?1049l"
_ALTERNATE = re.compile(rb"\x1b\[\?(?:1049|1047|47)([hl])")
#: A title saved (22) or taken back (23), and which. Apart from the above: one pattern for both takes twice as long.
_TITLE = re.compile(rb"\x1b\[2([23])(?:;([012]?)[0-9;]*)?t")
#: Sequences at the end of a text that do not move the cursor: modes, colours, the keypad, titles saved.
_UNSEEN_END = re.compile(rb"(?:\x1b\[[0-9;:?>=<]*[hlmtu]|\x1b[=>])+\Z")
_TAIL_BYTES = 128

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class EndedBySignal(BaseException):
    """A signal asks this client to end. No error, and not to be caught by code that handles errors."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Screen:
    """What is known of the screen from the bytes that were written to it."""

    __slots__ = ("alternate", "at_line_start", "titles")

    def __init__(self) -> None:
        self.titles = Titles()
        self.alternate = False
        self.at_line_start = True

    def note(self, data: bytes) -> None:
        """Takes note of written bytes. A sequence cut in two is missed; the fallback that needs it is a fallback."""
        position = 0
        for found in _ALTERNATE.finditer(data):
            self._note_text(data[position : found.start()])
            self.alternate = found[1] == b"h"
            position = found.end()
        self._note_text(data[position:] if position else data)
        for found in _TITLE.finditer(data):
            self.titles.note(saved=found[1] == b"2", kind=found[2] or b"0")

    def _note_text(self, text: bytes) -> None:
        if self.alternate or not text:
            return  # leaving the alternate screen puts the cursor back to where it was
        if text[-1] != 10 and b"\x1b" in text[-_TAIL_BYTES:]:
            text = _UNSEEN_END.sub(b"", text[-_TAIL_BYTES:])
        if text:
            self.at_line_start = text[-1] == 10

    def fallback_reset(self) -> bytes:
        """Bytes that make the terminal usable again without knowing which modes were set."""
        return (_LEAVE_ALTERNATE if self.alternate else b"") + FALLBACK_RESET


class Terminal:
    """The controlling terminal of this process as a context: raw inside, as it was found outside."""

    def __init__(self, in_fd: int = 0, out_fd: int = 1) -> None:
        self.in_fd = in_fd
        self.out_fd = out_fd
        self.screen = Screen()
        self._found: list[Any] | None = None

    def __enter__(self) -> Self:
        try:
            self._found = termios.tcgetattr(self.in_fd)
            # What was typed ahead belongs to the session: nothing is flushed.
            termios.tcsetattr(self.in_fd, termios.TCSADRAIN, raw_mode(self._found))
        except termios.error as error:  # hung up, or no longer ours
            raise RoostError(f"this terminal cannot be used: {error.args[1]}; attach from another one") from error
        except BaseException:  # a signal; to put back from the background would stop us again
            with contextlib.suppress(termios.error):
                if self._found is not None and termios.tcgetattr(self.in_fd) != self._found:
                    self.restore()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.restore()

    def restore(self, *, forget_input: bool = False) -> None:
        """Puts the line discipline back; `forget_input` drops late answers and mouse reports meant for the session."""
        if self._found is None:
            return
        when = termios.TCSAFLUSH if forget_input else termios.TCSADRAIN
        try:
            termios.tcsetattr(self.in_fd, when, self._found)
        except termios.error:
            pass  # hung up: there is no terminal left to put back
        self._found = None

    def size(self) -> tuple[int, int]:
        """Rows and columns; (0, 0) where the terminal does not know."""
        try:
            packed = fcntl.ioctl(self.out_fd, termios.TIOCGWINSZ, b"\0" * 8)
        except OSError:
            return 0, 0
        rows, cols, _, _ = struct.unpack("HHHH", packed)
        return rows, cols

    def write(self, data: bytes) -> None:
        """Writes output of the session."""
        write_all(self.out_fd, data)
        self.screen.note(data)

    def save_title(self, term: str) -> None:
        """Has the terminal remember its title, unless its TERM is one without."""
        write_all(self.out_fd, self.screen.titles.save(term))

    def put_back(self, reset: bytes) -> None:
        """Resets the modes that the session has set, and shows the title that was saved. Not for a hung up terminal."""
        self.write(reset)
        write_all(self.out_fd, self.screen.titles.put_back())

    def say(self, text: str) -> None:
        """Writes one line of our own below what is there, to stderr."""
        start = b"" if self.screen.at_line_start else b"\r\n"
        try:
            write_all(2, start + text.encode(errors="backslashreplace") + b"\r\n")
        except OSError:
            pass
        self.screen.at_line_start = True


def raw_mode(attributes: list[Any]) -> list[Any]:
    """Attributes with which every key arrives as it is and every byte is shown as it is. Source: cfmakeraw(3)."""
    raw = copy.deepcopy(attributes)
    raw[0] &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    raw[1] &= ~termios.OPOST
    raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    raw[6][termios.VMIN] = 1
    raw[6][termios.VTIME] = 0
    return raw


class Signals:
    """The signals of a terminal client as a context: those that end it raise, the others are noted and wake a poll."""

    def __init__(self) -> None:
        self.resized = False
        self.suspend = False
        self._found: dict[int, Any] = {}
        self._wake_read, self._wake_write = -1, -1
        self._found_wakeup = -1

    def __enter__(self) -> Self:
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._found_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._install(signal.SIGWINCH, self._on_resize)
        self._install(signal.SIGTSTP, self._on_suspend)
        for number in _ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and shells that ignore it for us
                self._install(number, self._on_ending)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._found.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._found_wakeup)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def fileno(self) -> int:
        """Readable when a signal came."""
        return self._wake_read

    def clear(self) -> None:
        """Makes `fileno` wait for the next signal."""
        try:
            while os.read(self._wake_read, 512):
                pass
        except BlockingIOError:
            pass

    def _install(self, number: int, handler: Any) -> None:
        self._found[number] = signal.signal(number, handler)

    def _on_resize(self, _number: int, _frame: FrameType | None) -> None:
        self.resized = True

    def _on_suspend(self, _number: int, _frame: FrameType | None) -> None:
        self.suspend = True

    def _on_ending(self, number: int, _frame: FrameType | None) -> None:
        raise EndedBySignal(number)
