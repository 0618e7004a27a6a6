"""The attached terminal, on a pseudo-terminal and with a scripted attachment."""

from __future__ import annotations

import os
import select
import signal
import termios
from collections.abc import Iterator

import pytest
from unit.cli.fakes import FakeAttachment, open_terminal

from roost.cli.detach_keys import DetachKeys, parse_detach_keys
from roost.cli.relay import Cause, Ending, Relay
from roost.cli.terminal import Signals, Terminal
from roost.model import Detached, Exited, Gap, Output, Reconnected, Stolen


class Scene:
    """A terminal whose other end is in our hands, and an attachment in it."""

    def __init__(self) -> None:
        self.person, self.program = open_terminal()
        self.attachment = FakeAttachment()
        self.terminal = Terminal(self.program, self.program)
        self.keyboard = b""
        self.said: list[str] = []
        self.terminal.say = self.said.append  # type: ignore[method-assign,assignment]

    def run(self, *, keys: str = "ctrl-],d", view: bool = False) -> Ending:
        with Signals() as signals, self.terminal:
            os.write(
                self.person, self.keyboard
            )  # now that it is raw: a change of the mode may drop what is typed ahead
            detach_keys = DetachKeys(parse_detach_keys(keys))
            return Relay(self.attachment, self.terminal, signals, detach_keys, view=view).run()  # type: ignore[arg-type]

    def screen(self) -> bytes:
        """All that was written: the kernel hands it over in its own pieces and time."""
        seen = os.read(self.person, 1 << 16)
        while select.select([self.person], [], [], 0.2)[0]:
            seen += os.read(self.person, 1 << 16)
        return seen

    def end(self) -> None:
        self.attachment.close()
        os.close(self.person)
        os.close(self.program)


@pytest.fixture
def scene() -> Iterator[Scene]:
    one = Scene()
    yield one
    one.end()


def test_output_reaches_the_screen_and_the_exit_ends_it(scene: Scene) -> None:
    scene.attachment.restore = b"<restore>"
    scene.attachment.play(Output(0, b"one\r\n"))
    scene.attachment.play(Output(5, b"two"))
    scene.attachment.play(Exited(3, None, "natural", 1.0))
    ending = scene.run()
    assert ending == Ending(Cause.EVENT, Exited(3, None, "natural", 1.0))
    assert scene.screen() == b"<restore>one\r\ntwo"


def test_keys_go_to_the_session_raw_until_the_detach_keys(scene: Scene) -> None:
    scene.keyboard = b"ls\r\x03\x1a\x13\x1d\x1d\x1dd"
    ending = scene.run()
    assert ending.cause is Cause.LEFT
    assert scene.attachment.typed == b"ls\r\x03\x1a\x13\x1d"


def test_the_line_discipline_is_put_back(scene: Scene) -> None:
    found = termios.tcgetattr(scene.program)
    scene.attachment.play(Stolen("ada"))
    scene.run()
    assert termios.tcgetattr(scene.program) == found


def test_a_viewer_types_nothing_and_leaves_with_an_interrupt(scene: Scene) -> None:
    scene.keyboard = b"abc\x03"
    assert scene.run(view=True).cause is Cause.LEFT
    assert scene.attachment.typed == b""


def test_what_was_missed_is_counted_and_said(scene: Scene) -> None:
    scene.attachment.play(Gap(0, 12345))
    scene.attachment.play(Detached("by request"))
    assert scene.run().missed_bytes == 12345
    assert scene.said == ["[roost: 12,345 bytes missed]"]


def test_a_full_screen_picture_is_not_written_over(scene: Scene) -> None:
    scene.attachment.play(Output(0, b"\x1b[?1049hpicture"))
    scene.attachment.play(Gap(8, 108))
    scene.attachment.play(Exited(0, None, "natural", 1.0))
    assert scene.run().missed_bytes == 100
    assert scene.said == []
    assert scene.screen() == b"\x1b[?1049hpicture"


def test_input_in_doubt_is_said(scene: Scene) -> None:
    scene.attachment.play(Reconnected(4))
    scene.attachment.play(Exited(0, None, "natural", 1.0))
    assert scene.run().doubtful_bytes == 4
    assert "4 typed bytes may not have arrived" in scene.said[0]


def test_a_new_size_is_passed_on(scene: Scene) -> None:
    termios.tcsetwinsize(scene.program, (33, 99))
    seen: list[tuple[int, int]] = []

    def resize(rows: int, cols: int) -> None:
        seen.append((rows, cols))
        scene.attachment.play(Exited(0, None, "natural", 1.0))

    scene.attachment.resize = resize  # type: ignore[method-assign]
    with Signals() as signals, scene.terminal:
        os.kill(os.getpid(), signal.SIGWINCH)
        Relay(scene.attachment, scene.terminal, signals, DetachKeys()).run()  # type: ignore[arg-type]
    assert seen == [(33, 99)]


def test_a_signal_that_ends_the_client_detaches_first(scene: Scene) -> None:
    def recv_then_term(timeout_s: float | None = None) -> object:
        scene.attachment.recv = FakeAttachment.recv.__get__(scene.attachment)  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGTERM)
        return scene.attachment.recv(timeout_s)

    scene.attachment.recv = recv_then_term  # type: ignore[method-assign,assignment]
    ending = scene.run()
    assert (ending.cause, ending.signal) == (Cause.SIGNAL, signal.SIGTERM)
    assert isinstance(ending.event, Detached)


def test_a_terminal_that_hung_up_ends_it(scene: Scene) -> None:
    def hung_up(_data: bytes) -> None:
        raise OSError(5, "Input/output error")

    scene.terminal.write = hung_up  # type: ignore[method-assign]
    scene.attachment.play(Output(0, b"x"))
    assert scene.run().cause is Cause.HUNG_UP
    assert scene.attachment.closed
